import { refusalEvent } from '../journal/refusal-event.ts'
import { isCredentialVaultError, namingProvider } from '../model/errors.ts'
import { malformedFields } from '../model/form-values.ts'
import type { StorageKey } from '../model/storage-key.ts'
import { malformed, missing, pick } from '../model/stored-values.ts'
import type { CredentialValues, Variable } from '../model/variables.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { Cutoff } from '../ports/cutoff.ts'
import type { CredentialStatus, ReadableBackend, StoredVersion, VersionLabels } from '../ports/secret-backend.ts'
import type { BackendCalls } from './backend-calls.ts'
import { requestIdsOf, traceOf } from './call-trace.ts'
import type { AccessLog } from './credential-audit.ts'
import { createCredentialCache, DEFAULT_CACHE_SECONDS } from './credential-cache.ts'
import { createKnownLabels } from './known-labels.ts'
import { lookUp, statusOf } from './status-of.ts'

export interface Release {
  readonly values: CredentialValues
  readonly version: StoredVersion
}

/** Releases values from a backend. It changes nothing there. */
export interface CredentialReader {
  /** Tells whether a credential is stored, and its labels. Reads no values and is not audited. */
  status(
    key: StorageKey,
    context: Pick<AccessContext, 'correlationId' | 'assertion' | 'trace'>,
  ): Promise<CredentialStatus>
  /**
   * Returns the names of the fields that are really stored, whatever the labels say. Reads the values, which stay here, unless they are
   * cached. Each read has a `credential.read` line.
   * Undefined if nothing is stored.
   */
  fields(
    key: StorageKey,
    context: Pick<AccessContext, 'correlationId' | 'assertion' | 'trace'>,
  ): Promise<readonly string[] | undefined>
  /**
   * Releases the values once their `credential.resolved` line is durable. `fresh` reads values again that are older than two seconds.
   *
   * @throws `credential_absent`, `credential_revoked`, `credential_rejected`, `credential_malformed`, `audit_unavailable`, or a backend's error
   */
  release(
    key: StorageKey,
    variables: readonly Variable[],
    context: AccessContext,
    options?: { readonly fresh?: boolean },
  ): Promise<Release>
  /** Makes the next call ask the backend, after a change. */
  forget(key: Pick<StorageKey, 'path'>): void
  /** Makes the next call ask the backend if what is cached was read before `since` (`performance.now()`). */
  refresh(key: StorageKey, since: number): void
  /** Makes every next call ask the backend. */
  forgetAll(): void
  /** Clears the cache. */
  close(): void
}

export interface CredentialReaderParts {
  readonly backend: ReadableBackend
  readonly calls: BackendCalls
  readonly log: AccessLog
  /** When the service rejected this version, where the backend keeps no such mark. Default: never. */
  readonly rejectedAt?: ((key: StorageKey, version: StoredVersion) => Date | undefined) | undefined
  /** Refuses a release that has begun before its owner was offboarded. */
  readonly cutoff?: Cutoff | undefined
  /** Called for each credential whose values were released. */
  readonly used?: ((key: StorageKey) => void) | undefined
  /** Called for each read of values, with whether the cache had them. It must not throw. */
  readonly lookedUp?: ((found: boolean) => void) | undefined
  /** How long an active credential is cached, in milliseconds. Default 30000; 0 always asks the backend. */
  readonly cacheTtl?: number | undefined
}

const MAX_CACHED = 10_000

export function createCredentialReader({
  backend,
  calls,
  log,
  rejectedAt = () => undefined,
  cutoff,
  used,
  lookedUp,
  cacheTtl = DEFAULT_CACHE_SECONDS * 1000,
}: CredentialReaderParts): CredentialReader {
  const cache = createCredentialCache(backend, { ttl: cacheTtl, maxEntries: MAX_CACHED, lookedUp })
  const labels = createKnownLabels(MAX_CACHED)

  function labelsOf(key: StorageKey, found: Extract<CredentialStatus, { status: 'active' }>): VersionLabels {
    const known = labels.of(key, found.version)
    const rejected = found.labels?.rejectedAt ?? known?.rejectedAt ?? rejectedAt(key, found.version)
    return { ...known, ...found.labels, ...(rejected && { rejectedAt: rejected }) }
  }

  return {
    async status(key, context) {
      const cached = cache.find(key)
      const found = cached ?? (await statusOf({ backend, calls, log }, key, context))
      if (found.status !== 'active') return found
      if (!cached) labels.keep(key, found)
      const { version } = found
      const fields = 'values' in found ? Object.keys(found.values) : found.fields
      return { status: 'active', version, labels: labelsOf(key, found), ...(fields && { fields }) }
    },

    async fields(key, context) {
      const found = await cache.read(key, async () => {
        const trace = traceOf(context)
        const loaded = await lookUp({ backend, calls }, key, trace)
        if (loaded.status === 'active') {
          const line = { type: 'credential.read', outcome: 'success', version: loaded.version.label } as const
          await log.note(key, context, { ...line, backendRequestIds: requestIdsOf(trace) })
        }
        return loaded
      })
      return found.status === 'active' ? Object.keys(found.values) : undefined
    },

    async release(key, variables, context, { fresh = false } = {}) {
      const trace = traceOf(context)
      const begun = cutoff?.begin(key.owner)
      try {
        if (fresh) cache.refresh(key)
        const found = await cache.read(key, () => lookUp({ backend, calls }, key, trace))
        if (found.status !== 'active') throw missing(found.status, key.provider)
        if (labelsOf(key, found).rejectedAt) throw missing('rejected', key.provider)
        const wrong = malformedFields(variables, found.values)
        if (wrong.length > 0) {
          // Drop the cached value, so that a fix takes effect at once.
          cache.forget(key)
          throw malformed(key.provider, wrong)
        }
        await log.grant(key, context, {
          type: 'credential.resolved',
          outcome: 'success',
          version: found.version.label,
          backendRequestIds: requestIdsOf(trace),
        })
        // The values may be older than an offboarding that has revoked them meanwhile.
        if (begun?.isCut) throw missing('revoked', key.provider)
        used?.(key)
        return { values: pick(variables, found.values), version: found.version }
      } catch (error) {
        // The journal has reported this failure and cannot log it.
        if (isCredentialVaultError(error, 'audit_unavailable')) throw error
        await log.note(key, context, { ...refusalEvent(error), backendRequestIds: requestIdsOf(trace) })
        // A backend knows no providers, and the gate offers the link only for its own provider's credential.
        throw isCredentialVaultError(error, 'credential_malformed') ? namingProvider(error, key.provider) : error
      } finally {
        begun?.end()
      }
    },

    forget(key) {
      cache.forget(key)
      labels.forget(key)
    },

    refresh: (key, since) => cache.refresh(key, since),

    forgetAll() {
      cache.clear()
      labels.clear()
    },

    close: () => cache.clear(),
  }
}
