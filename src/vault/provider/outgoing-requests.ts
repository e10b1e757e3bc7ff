import type { GatedCall } from '../../core/gate/gated-call.ts'
import { contextOf } from '../../core/gate/gated-call.ts'
import { oncePerMinute } from '../../core/host/once-per-minute.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import { createBoundFetch } from '../../destinations/bound-fetch.ts'
import type { Destination } from '../../destinations/destination.ts'
import type { ProviderServices } from '../credential-vault.ts'

/** The call that a request is made for. */
export interface OutgoingCall {
  readonly key: StorageKey
  readonly call: GatedCall
  /** Aborts when the call is over. */
  readonly signal: AbortSignal | undefined
}

/** Requests of one provider's handles to its destinations. */
export interface OutgoingRequests {
  send(
    services: Pick<ProviderServices, 'log' | 'warn'>,
    made: OutgoingCall,
    values: CredentialValues,
    input: string | URL,
    init?: RequestInit,
  ): Promise<Response>
  close(): Promise<void>
}

/**
 * Sends requests. Each service that cannot be reached is logged in the audit log. The operator is warned once a minute for each service and
 * reason.
 */
export function createOutgoingRequests(provider: string, destinations: readonly Destination[]): OutgoingRequests {
  const bound = createBoundFetch({ provider, destinations })
  const isNews = oncePerMinute()

  return {
    send: ({ log, warn }, { key, call, signal }, values, input, init) =>
      bound.fetch(values, input, init, {
        owner: key.owner,
        signal,
        async unreachable(destination, reason) {
          if (isNews(`${destination} ${reason}`))
            warn(`${provider}: ${destination} cannot be reached: ${reason} (correlation id ${call.correlationId})`)
          const event = { type: 'credential.service_unreachable', outcome: 'error', reason, destination } as const
          await log.note(key, contextOf(call), event)
        },
      }),
    close: () => bound.close(),
  }
}
