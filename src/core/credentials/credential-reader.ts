import { refusalEvent } from '../journal/refusal-event.ts'
import { isCredentialVaultError, namingProvider } from '../model/errors.ts'
import { malformedFields } from '../model/form-values.ts'
import type { StorageKey } from '../model/storage-key.ts'
import { malformed, missing, pick } from '../model/stored-values.ts'
import type { CredentialValues, Variable } from '../model/variables.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { CredentialStatus, ReadableBackend } from '../ports/secret-backend.ts'
import type { BackendCalls } from './backend-calls.ts'
import { requestIdsOf, traceOf } from './call-trace.ts'
import type { AccessLog } from './credential-audit.ts'
import { createCredentialCache } from './credential-cache.ts'
import { knownAnswer, statusOf } from './status-of.ts'

/** The door through which values leave a backend. It changes nothing there. */
export interface CredentialReader {
  /** Whether there is one. Reads no values and is not audited. */
  status(key: StorageKey, context: Pick<AccessContext, 'correlationId' | 'assertion'>): Promise<CredentialStatus>
  /**
   * Hands the values out, once their `credential.resolved` line is durable. `fresh`: what was read more than two seconds ago is read again.
   *
   * @throws `credential_absent`, `credential_revoked`, `credential_malformed`, `audit_unavailable`, or a backend's error
   */
  release(
    key: StorageKey,
    variables: readonly Variable[],
    context: AccessContext,
    options?: { readonly fresh?: boolean },
  ): Promise<CredentialValues>
  /** Lets the next call ask the backend: somebody has changed the credential. */
  forget(key: StorageKey): void
  /** Forgets every value that is kept for a short time. */
  close(): void
}

export interface CredentialReaderParts {
  readonly backend: ReadableBackend
  readonly calls: BackendCalls
  readonly log: AccessLog
  /** How long an active credential is believed without asking the backend again, in milliseconds. Default 30000; 0 always asks. */
  readonly cacheTtl?: number | undefined
}

const MAX_CACHED = 10_000

export function createCredentialReader({
  backend,
  calls,
  log,
  cacheTtl = 30_000,
}: CredentialReaderParts): CredentialReader {
  const cache = createCredentialCache(backend, { ttl: cacheTtl, maxEntries: MAX_CACHED })
  return {
    async status(key, context) {
      const found = cache.find(key)
      if (found?.status === 'active') return { status: 'active', version: found.version }
      return found ?? statusOf({ backend, calls, log }, key, context)
    },

    async release(key, variables, context, { fresh = false } = {}) {
      const trace = traceOf(context)
      try {
        if (fresh) cache.refresh(key)
        const found = await cache.read(key, () =>
          calls.ask(trace, async (call) => knownAnswer(backend.name, await backend.read(key, call))),
        )
        if (found.status !== 'active') throw missing(found.status, key.provider)
        const wrong = malformedFields(variables, found.values)
        if (wrong.length > 0) {
          // Whoever mends it is not to wait for the cache.
          cache.forget(key)
          throw malformed(key.provider, wrong)
        }
        await log.grant(key, context, {
          type: 'credential.resolved',
          outcome: 'success',
          version: found.version.label,
          backendRequestIds: requestIdsOf(trace),
        })
        return pick(variables, found.values)
      } catch (error) {
        // That has been said already, and could not be written down either.
        if (isCredentialVaultError(error, 'audit_unavailable')) throw error
        await log.note(key, context, { ...refusalEvent(error), backendRequestIds: requestIdsOf(trace) })
        // A backend knows no providers; the gate offers the link only for the credential of its own.
        throw isCredentialVaultError(error, 'credential_malformed') ? namingProvider(error, key.provider) : error
      }
    },

    forget: (key) => cache.forget(key),
    close: () => cache.clear(),
  }
}
