import { randomUUID } from 'node:crypto'
import type { AuditEvent, AuditPosition, AuditSink } from './audit-sink.ts'
import { type CallTrace, createBackendCalls } from './backend-calls.ts'
import { createCredentialCache } from './credential-cache.ts'
import { credentialLine } from './credential-line.ts'
import { translated } from './deadline.ts'
import { type CredentialVaultError, isVaultError } from './errors.ts'
import { malformedFields } from './form-values.ts'
import type { Health } from './health.ts'
import type {
  BackendCall,
  CredentialStatus,
  Expectation,
  SecretBackend,
  StoredCredential,
  StoredVersion,
} from './secret-backend.ts'
import type { StorageKey } from './storage-key.ts'
import { malformed, missing, pick, unknownField } from './stored-values.ts'
import type { CredentialValues, Variable } from './variables.ts'

/** Who asks, for the audit line. */
export type AccessContext = Pick<AuditEvent, 'actor' | 'clientId' | 'tool' | 'request' | 'address' | 'correlationId'> &
  Pick<BackendCall, 'assertion'>

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
  save(key: StorageKey, values: CredentialValues, context: AccessContext): Promise<StoredVersion>
  /**
   * Replaces one field of an active credential and leaves the others, only if nobody changes it meanwhile: `conflict` otherwise.
   * Without `field` it has to have exactly one; `field_unknown` names those that it has.
   */
  rotate(key: StorageKey, change: FieldChange, context: AccessContext): Promise<StoredVersion>
  /** Resolves false when there was nothing to revoke. `expect`: `conflict` unless this is still what is stored. Default `any`. */
  revoke(
    key: StorageKey,
    options: { readonly purge: boolean; readonly expect?: Expectation },
    context: AccessContext,
  ): Promise<boolean>
  list(context: AccessContext): AsyncIterable<StoredCredential>
  /** Records something about the credential. Throws `audit_unavailable`. */
  note(key: StorageKey, context: AccessContext, event: CredentialNote): Promise<void>
  locate(key: StorageKey): string
  /** Names of its fields; undefined where they cannot be told without reading the values. Not audited. */
  fieldNames(key: StorageKey, context: Pick<AccessContext, 'correlationId'>): Promise<readonly string[] | undefined>
  /** The vendor's own command that rotates it by hand; undefined where there is none. */
  rotateCommand(key: StorageKey, fields: readonly string[]): string | undefined
  /** Lets the next call ask the backend: another process has changed the credential. */
  forget(key: StorageKey): void
  /** Forgets every value that is kept for a short time. */
  close(): void
}

export type CredentialNote = Pick<AuditEvent, 'type' | 'outcome' | 'reason' | 'version' | 'backendRequestIds'>

export interface FieldChange {
  readonly field?: string | undefined
  readonly value: string
}

export interface CredentialsParts {
  readonly backend: SecretBackend
  readonly audit: AuditSink
  readonly health: Health
  /** Total time for one read, in milliseconds. Default 5000. */
  readonly readDeadline?: number
  /** Total time for one write, in milliseconds. Default 10000. */
  readonly writeDeadline?: number
  /** How long an active credential is believed without asking the backend again, in milliseconds. Default 30000; 0 always asks. */
  readonly cacheTtl?: number
}

const MAX_CACHED = 10_000

export function newCorrelationId(): string {
  return randomUUID()
}

export function createCredentials(parts: CredentialsParts): Credentials {
  const { backend, audit, health, readDeadline = 5_000, writeDeadline = 10_000, cacheTtl = 30_000 } = parts
  const cache = createCredentialCache(backend, { ttl: cacheTtl, maxEntries: MAX_CACHED })
  const calls = createBackendCalls({ backend, health, readDeadline, writeDeadline })

  async function record(
    key: StorageKey | undefined,
    context: AccessContext,
    event: CredentialNote,
  ): Promise<AuditPosition> {
    try {
      const position = await audit.append(credentialLine(key, context, event, backend.name))
      health.recovered('audit')
      return position
    } catch (error) {
      health.failed('audit', reasonOf(error))
      throw error
    }
  }

  // The outcome has happened whether or not its line can be written: say so, and turn health red when it can't.
  async function recordOutcome(key: StorageKey, context: AccessContext, event: CredentialNote): Promise<void> {
    await record(key, context, event).catch(() => undefined)
  }

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
    context: AccessContext,
  ): Promise<StoredVersion> {
    const position = await record(key, context, { type: 'credential.storing', outcome: 'success' })
    const trace = traceOf(context)
    const request = { key, values, expect, audit: position, operationId: newCorrelationId() }
    try {
      const version = await change(key, () => calls.save(request, trace))
      await recordOutcome(key, context, {
        type: 'credential.stored',
        outcome: 'success',
        version: version.label,
        backendRequestIds: idsOf(trace),
      })
      return version
    } catch (error) {
      await recordOutcome(key, context, {
        type: 'credential.store_failed',
        outcome: 'error',
        reason: reasonOf(error),
        backendRequestIds: idsOf(trace),
      })
      throw error
    }
  }

  const credentials: Credentials = {
    backendName: backend.name,
    async status(key, context) {
      const found = cache.find(key)
      if (found?.status === 'active') return { status: 'active', version: found.version }
      return found ?? calls.ask(traceOf(context), (call) => backend.stat(key, call))
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
        if (isVaultError(error, 'audit_unavailable')) health.failed('audit', problemOf(error))
        else
          await recordOutcome(key, context, {
            type: 'credential.denied',
            outcome: 'failure',
            reason: reasonOf(error),
            backendRequestIds: idsOf(trace),
          })
        throw error
      }
    },

    save: (key, values, context) => write(key, values, 'any', context),

    async rotate(key, { field, value }, context) {
      const found = await calls.ask(traceOf(context), (call) => backend.read(key, call))
      if (found.status !== 'active') throw missing(found.status, key.provider)
      const names = Object.keys(found.values)
      const foreign = names.filter((name) => typeof found.values[name] !== 'string')
      // Writing it back would lose what is none of ours.
      if (foreign.length > 0) throw malformed(key.provider, foreign)
      const changed = field ?? (names.length === 1 ? names[0] : undefined)
      if (changed === undefined || !names.includes(changed)) throw unknownField(key.provider, names)
      const kept = Object.entries(found.values).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      )
      return write(key, { ...Object.fromEntries(kept), [changed]: value }, { version: found.version.ref }, context)
    },

    async revoke(key, { purge, expect = 'any' }, context) {
      const intent = { expect, purge, operationId: newCorrelationId() }
      const trace = traceOf(context)
      try {
        const changed = await change(key, () => calls.revoke(key, intent, trace))
        await recordOutcome(key, context, {
          type: 'credential.revoked',
          outcome: 'success',
          ...(purge ? { reason: 'purged' } : changed ? {} : { reason: 'nothing_to_revoke' }),
          backendRequestIds: idsOf(trace),
        })
        return changed
      } catch (error) {
        await recordOutcome(key, context, {
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

    note: async (key, context, event) => void (await record(key, context, event)),
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

function problemOf(error: CredentialVaultError): string {
  return error.reason ?? error.code
}

function reasonOf(error: unknown): string {
  return isVaultError(error) ? problemOf(error) : 'unexpected'
}
