import type { Health } from '../journal/health.ts'
import type { Journal } from '../journal/journal.ts'
import { isTampering, reasonOf, refusalEvent } from '../journal/refusal-event.ts'
import { newCorrelationId } from '../model/correlation-id.ts'
import { translated } from '../model/deadline.ts'
import { isVaultError, namingProvider } from '../model/errors.ts'
import { malformedFields } from '../model/form-values.ts'
import type { StorageKey } from '../model/storage-key.ts'
import { checkSize, type FieldChange, malformed, missing, pick, withField } from '../model/stored-values.ts'
import type { CredentialValues, Variable } from '../model/variables.ts'
import type { AccessContext, CredentialNote } from '../ports/access-context.ts'
import type {
  CredentialLookup,
  CredentialStatus,
  Expectation,
  RotateCommand,
  SecretBackend,
  StoredCredential,
  StoredVersion,
} from '../ports/secret-backend.ts'
import { type CallTrace, createBackendCalls } from './backend-calls.ts'
import { createCredentialCache } from './credential-cache.ts'
import { credentialLine } from './credential-line.ts'

/**
 * The only door to a backend. Deadlines, audit and error translation happen here, once, for every backend.
 *
 * A value is handed out only after its `credential.resolved` line is durable, and written only after its `credential.storing` line
 * is; revocation is the exception and always proceeds.
 */
export interface Credentials {
  readonly backendName: string
  /** Whether there is one. Reads no values and is not audited. */
  status(key: StorageKey, context: Pick<AccessContext, 'correlationId' | 'assertion'>): Promise<CredentialStatus>
  /**
   * `fresh`: what was read more than two seconds ago is read again. Throws `credential_absent`, `credential_revoked`,
   * `credential_malformed`, `audit_unavailable`, or a backend's error.
   */
  release(
    key: StorageKey,
    variables: readonly Variable[],
    context: AccessContext,
    options?: { readonly fresh?: boolean },
  ): Promise<CredentialValues>
  /** Durable when it resolves. When it rejects, the earlier value is still there, except with `outcome_unknown`: then either may be. */
  save(
    key: StorageKey,
    values: CredentialValues,
    context: AccessContext,
    /** Asked once the line is durable, before anything is written: rejects when it must not be written any more. */
    mayWrite?: () => Promise<void>,
  ): Promise<StoredVersion>
  /**
   * Replaces one field of an active credential and leaves the others, only if nobody changes it meanwhile: `conflict` otherwise. It reads
   * the values for that, and writes a `credential.read` line first. Without `field` the credential has to have exactly one; `field_unknown` names those that it has.
   */
  rotate(key: StorageKey, change: FieldChange, context: AccessContext): Promise<StoredVersion>
  /** Resolves false when there was nothing to revoke. `expect`: `conflict` unless this is still what is stored. Default `any`. */
  revoke(
    key: StorageKey,
    options: { readonly purge: boolean; readonly expect?: Expectation },
    context: AccessContext,
  ): Promise<boolean>
  list(context: AccessContext): AsyncIterable<StoredCredential>
  /** Records something about the credential, durably. Throws `audit_unavailable`. */
  record(key: StorageKey, context: AccessContext, event: CredentialNote): Promise<void>
  /** Records something about the credential that has happened anyway. */
  note(key: StorageKey, context: AccessContext, event: CredentialNote): Promise<void>
  locate(key: StorageKey): string
  /** Names of its fields; undefined where they cannot be told without reading the values. Not audited. */
  fieldNames(key: StorageKey, context: Pick<AccessContext, 'correlationId'>): Promise<readonly string[] | undefined>
  /** The vendor's own command that rotates it by hand; undefined where there is none. */
  rotateCommand(key: StorageKey, fields: readonly string[]): RotateCommand | undefined
  /** Lets the next call ask the backend: another process has changed the credential. */
  forget(key: StorageKey): void
  /** Forgets every value that is kept for a short time. */
  close(): void
}

export interface CredentialsParts {
  readonly backend: SecretBackend
  readonly journal: Journal
  readonly health: Health
  /** Total time for one read, in milliseconds. Default 5000. */
  readonly readDeadline?: number
  /** Total time for one write, in milliseconds. Default 10000. */
  readonly writeDeadline?: number
  /** How long an active credential is believed without asking the backend again, in milliseconds. Default 30000; 0 always asks. */
  readonly cacheTtl?: number
}

interface Write {
  readonly context: AccessContext
  /** The line for when it is done. */
  readonly done: CredentialNote
  readonly mayWrite?: (() => Promise<void>) | undefined
}

type ActiveCredential = Extract<CredentialLookup, { status: 'active' }>

const MAX_CACHED = 10_000

export function createCredentials(parts: CredentialsParts): Credentials {
  const { backend, journal, health, readDeadline = 5_000, writeDeadline = 10_000, cacheTtl = 30_000 } = parts
  const cache = createCredentialCache(backend, { ttl: cacheTtl, maxEntries: MAX_CACHED })
  const calls = createBackendCalls({ backend, health, readDeadline, writeDeadline })

  const record = (key: StorageKey | undefined, context: AccessContext, event: CredentialNote) =>
    journal.grant(credentialLine(key, context, event, backend.name))
  const note = (key: StorageKey, context: AccessContext, event: CredentialNote) =>
    journal.note(credentialLine(key, context, event, backend.name))

  // Forgotten before and after: a read that runs meanwhile must not bring the old value back.
  async function change<T>(key: StorageKey, operation: () => Promise<T>): Promise<T> {
    cache.forget(key)
    try {
      return await operation()
    } finally {
      cache.forget(key)
    }
  }

  async function write(
    key: StorageKey,
    values: CredentialValues,
    expect: Expectation,
    { context, done, mayWrite }: Write,
  ): Promise<StoredVersion> {
    const trace = traceOf(context)
    const position = await record(key, context, { type: 'credential.storing', outcome: 'success' })
    const request = { key, values, expect, audit: position, operationId: newCorrelationId() }
    try {
      await mayWrite?.()
      const version = await change(key, () => calls.save(request, trace))
      await note(key, context, { ...done, version: version.label, backendRequestIds: idsOf(trace) })
      return version
    } catch (error) {
      await note(key, context, {
        type: 'credential.store_failed',
        outcome: 'error',
        reason: reasonOf(error),
        backendRequestIds: idsOf(trace),
      })
      throw error
    }
  }

  /** Returns the newest values once their audit line is durable. */
  async function readForOperator(key: StorageKey, context: AccessContext): Promise<ActiveCredential> {
    const trace = traceOf(context)
    let found: CredentialLookup
    try {
      found = await calls.ask(trace, (call) => backend.read(key, call))
      if (found.status !== 'active') throw missing(found.status, key.provider)
    } catch (error) {
      await note(key, context, { ...refusalEvent(error), backendRequestIds: idsOf(trace) })
      throw error
    }
    await record(key, context, {
      type: 'credential.read',
      outcome: 'success',
      version: found.version.label,
      backendRequestIds: idsOf(trace),
    })
    return found
  }

  const credentials: Credentials = {
    backendName: backend.name,
    async status(key, context) {
      const found = cache.find(key)
      if (found?.status === 'active') return { status: 'active', version: found.version }
      const trace = traceOf(context)
      try {
        return found ?? (await calls.ask(trace, (call) => backend.stat(key, call)))
      } catch (error) {
        if (isTampering(error)) await note(key, context, { ...refusalEvent(error), backendRequestIds: idsOf(trace) })
        throw error
      }
    },

    async release(key, variables, context, { fresh = false } = {}) {
      const trace = traceOf(context)
      try {
        if (fresh) cache.refresh(key)
        const found = await cache.read(key, () => calls.ask(trace, (call) => backend.read(key, call)))
        if (found.status !== 'active') throw missing(found.status, key.provider)
        const wrong = malformedFields(variables, found.values)
        if (wrong.length > 0) {
          // Whoever mends it is not to wait for the cache.
          cache.forget(key)
          throw malformed(key.provider, wrong)
        }
        await record(key, context, {
          type: 'credential.resolved',
          outcome: 'success',
          version: found.version.label,
          backendRequestIds: idsOf(trace),
        })
        return pick(variables, found.values)
      } catch (error) {
        // That has been said already, and could not be written down either.
        if (isVaultError(error, 'audit_unavailable')) throw error
        await note(key, context, { ...refusalEvent(error), backendRequestIds: idsOf(trace) })
        // A backend knows no providers; the gate offers the link only for the credential of its own.
        throw isVaultError(error, 'credential_malformed') ? namingProvider(error, key.provider) : error
      }
    },

    save: (key, values, context, mayWrite) =>
      write(key, values, 'any', { context, done: { type: 'credential.stored', outcome: 'success' }, mayWrite }),

    async rotate(key, change, context) {
      const found = await readForOperator(key, context)
      const rotated = withField(key.provider, found.values, change)
      checkSize(key.provider, rotated)
      const done = {
        type: 'credential.rotated',
        outcome: 'success',
        previousVersion: found.version.label,
      } as const
      return write(key, rotated, { version: found.version.ref }, { context, done })
    },

    async revoke(key, { purge, expect = 'any' }, context) {
      const intent = { expect, purge, operationId: newCorrelationId() }
      const trace = traceOf(context)
      try {
        const changed = await change(key, () => calls.revoke(key, intent, trace))
        await note(key, context, {
          type: purge ? 'credential.purged' : 'credential.revoked',
          outcome: 'success',
          reason: changed ? undefined : 'nothing_to_revoke',
          backendRequestIds: idsOf(trace),
        })
        return changed
      } catch (error) {
        await note(key, context, {
          type: 'credential.revoke_failed',
          outcome: 'error',
          reason: reasonOf(error),
          backendRequestIds: idsOf(trace),
        })
        throw error
      }
    },

    async *list(context) {
      await record(undefined, context, { type: 'admin.listed', outcome: 'success' })
      try {
        yield* backend.list({ signal: new AbortController().signal, correlationId: context.correlationId })
      } catch (error) {
        throw translated(backend.name, error)
      }
    },

    record: async (key, context, event) => void (await record(key, context, event)),
    note,
    locate: (key) => backend.locate(key),
    fieldNames: (key, context) =>
      calls.ask(traceOf(context), async (call) => {
        const status = await backend.stat(key, call)
        if (status.status !== 'active') return undefined
        return status.fields ?? backend.fieldNames?.(key, call)
      }),
    rotateCommand: (key, fields) => backend.rotateCommand?.(key, fields),
    forget: (key) => cache.forget(key),
    close: () => cache.clear(),
  }
  return credentials
}

function traceOf({ correlationId, assertion }: Pick<AccessContext, 'correlationId' | 'assertion'>): CallTrace {
  return { correlationId, assertion, requestIds: [] }
}

function idsOf({ requestIds }: CallTrace): readonly string[] | undefined {
  return requestIds.length === 0 ? undefined : requestIds
}
