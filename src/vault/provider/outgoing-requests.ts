import type { GatedCall } from '../../core/gate/gated-call.ts'
import { contextOf } from '../../core/gate/gated-call.ts'
import { oncePerMinute } from '../../core/host/once-per-minute.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { CredentialValues, Variable, VariablesOptions } from '../../core/model/variables.ts'
import { boundCheck } from '../../destinations/bound-check.ts'
import { createBoundFetch } from '../../destinations/bound-fetch.ts'
import { connectionOf } from '../../destinations/connection.ts'
import { type Destination, defineDestinations } from '../../destinations/destination.ts'
import { isHttpCheck } from '../../destinations/http-check.ts'
import type { ShareLimits } from '../../destinations/owner-shares.ts'
import type { ProviderServices } from '../credential-vault.ts'
import type { CredentialsProviderOptions } from './credentials-provider-options.ts'
import type { Verify } from './provider-form.ts'

/** The call that a request is made for. */
export interface OutgoingCall {
  readonly key: StorageKey
  readonly call: GatedCall
  /** Aborts when the call is over. */
  readonly signal: AbortSignal | undefined
}

/** The options of a provider that say what it sends, and where. */
export type OutgoingSettings = Pick<
  CredentialsProviderOptions<VariablesOptions>,
  'destinations' | 'verify' | 'connection'
>

/** Requests of one provider to its destinations: those of handles, and the check of a new credential. */
export interface OutgoingRequests {
  readonly destinations: readonly Destination[]
  /** Tries new values. What `httpCheck()` returns asks the destinations; a function is the operator's own. */
  readonly verify: Verify | undefined
  send(
    services: Pick<ProviderServices, 'log' | 'warn'>,
    made: OutgoingCall,
    values: CredentialValues,
    input: string | URL,
    init?: RequestInit,
  ): Promise<Response>
  close(): Promise<void>
}

/** They have no owner yet, and end within the 5 seconds of `verify`. */
const CHECKS: ShareLimits = { perOwner: 128, perOrigin: 128, waiting: 1000, wait: 5_000 }

/**
 * Sends requests. Each service that cannot be reached is logged in the audit log. The operator is warned once a minute for each service and
 * reason.
 */
export function createOutgoingRequests(
  { name: provider, label }: { readonly name: string; readonly label: string },
  variables: readonly Variable[],
  { destinations: given = [], verify, connection = {} }: OutgoingSettings,
): OutgoingRequests {
  const destinations = defineDestinations(given, variables, 'CredentialsProvider.destinations')
  const reached = connectionOf(connection, 'CredentialsProvider.connection')
  const bound = createBoundFetch({ provider, destinations, ...reached })
  // Checks have places of their own, so that neither they nor tool calls delay the other.
  const checks = createBoundFetch({ provider, destinations, ...reached, limits: CHECKS })
  const isNews = oncePerMinute()

  return {
    destinations,
    verify: isHttpCheck(verify) ? boundCheck(verify, { label, destinations, fetch: checks.fetch }) : verify,
    send: ({ log, warn }, { key, call, signal }, values, input, init) =>
      bound.fetch(values, input, init, {
        owner: key.owner,
        signal,
        async unreachable(destination, reason) {
          if (isNews(`${destination} ${reason}`))
            warn(`${provider}: ${destination} cannot be reached: ${reason} (correlation id ${call.correlationId})`, {
              provider,
              reason,
              correlationId: call.correlationId,
            })
          const event = { type: 'credential.service_unreachable', outcome: 'error', reason, destination } as const
          await log.note(key, contextOf(call), event)
        },
      }),
    async close() {
      await Promise.all([bound.close(), checks.close()])
    },
  }
}
