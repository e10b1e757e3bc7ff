import { randomUUID } from 'node:crypto'
import type { AuditEvent, AuditPosition, AuditSink } from './audit-sink.ts'
import { createCredentialCache } from './credential-cache.ts'
import { translated, withDeadline } from './deadline.ts'
import { CredentialVaultError, isVaultError } from './errors.ts'
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
import type { CredentialValues, Variable } from './variables.ts'

/** Who asks, for the audit line. */
export type AccessContext = Pick<AuditEvent, 'actor' | 'clientId' | 'tool' | 'request' | 'address' | 'correlationId'>

/**
 * The only door to a backend. Deadlines, audit and error translation happen here, once, for every backend.
 *
 * A value is handed out only after its `credential.resolved` line is durable, and written only after its `credential.storing` line
 * is; revocation is the exception and always proceeds.
 */
export interface Credentials {
  readonly backendName: string
  /** Whether there is one. Reads no values and is not audited. */
  status(key: StorageKey, correlationId: string): Promise<CredentialStatus>
  /** Throws `credential_absent`, `credential_revoked`, `credential_malformed`, `audit_unavailable`, or a backend's error. */
  release(key: StorageKey, variables: readonly Variable[], context: AccessContext): Promise<CredentialValues>
  /** Durable when it resolves. When it rejects, the earlier value is still there, except with reason `timeout`: then either may be. */
  save(key: StorageKey, values: CredentialValues, context: AccessContext): Promise<StoredVersion>
  /**
   * Replaces one field of an active credential and leaves the others, only if nobody changes it meanwhile: `conflict` otherwise.
   * Without `field` it has to have exactly one; `field_unknown` names those that it has.
   */
  rotate(key: StorageKey, change: FieldChange, context: AccessContext): Promise<StoredVersion>
  /** Resolves false when there was nothing to revoke. */
  revoke(key: StorageKey, options: { readonly purge: boolean }, context: AccessContext): Promise<boolean>
  list(context: AccessContext): AsyncIterable<StoredCredential>
  /** Records something about the credential. Throws `audit_unavailable`. */
  note(key: StorageKey, context: AccessContext, event: CredentialNote): Promise<void>
  locate(key: StorageKey): string
  /** Forgets every value that is kept for a short time. */
  close(): void
}

export type CredentialNote = Pick<AuditEvent, 'type' | 'outcome' | 'reason' | 'version'>

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

  async function ask<T>(
    milliseconds: number,
    correlationId: string,
    operation: (call: BackendCall) => Promise<T>,
  ): Promise<T> {
    try {
      const answer = await withDeadline(backend.name, milliseconds, (signal) => operation({ signal, correlationId }))
      health.recovered('backend')
      return answer
    } catch (error) {
      if (isVaultError(error, 'unavailable', 'forbidden', 'key_wrong', 'key_missing'))
        health.failed('backend', problemOf(error))
      throw error
    }
  }

  async function record(
    key: StorageKey | undefined,
    context: AccessContext,
    event: CredentialNote,
  ): Promise<AuditPosition> {
    const line: AuditEvent = { ...context, ...event, backend: backend.name }
    try {
      const position = await audit.append(
        key ? Object.assign(line, { owner: key.owner, provider: key.provider }) : line,
      )
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
  async function change<T>(
    key: StorageKey,
    context: AccessContext,
    operation: (call: BackendCall) => Promise<T>,
  ): Promise<T> {
    cache.forget(key)
    try {
      return await ask(writeDeadline, context.correlationId, operation)
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
    const intent = { expect, audit: position, operationId: newCorrelationId() }
    try {
      const version = await change(key, context, (call) => backend.write(key, values, intent, call))
      await recordOutcome(key, context, { type: 'credential.stored', outcome: 'success', version: version.label })
      return version
    } catch (error) {
      await recordOutcome(key, context, { type: 'credential.store_failed', outcome: 'error', reason: reasonOf(error) })
      throw error
    }
  }

  const credentials: Credentials = {
    backendName: backend.name,
    async status(key, correlationId) {
      const found = cache.find(key)
      if (found) return { status: 'active', version: found.version }
      return ask(readDeadline, correlationId, (call) => backend.stat(key, call))
    },

    async release(key, variables, context) {
      try {
        const found = await cache.read(key, () =>
          ask(readDeadline, context.correlationId, (call) => backend.read(key, call)),
        )
        if (found.status !== 'active') throw missing(found.status, key.provider)
        const wrong = malformedFields(variables, found.values)
        if (wrong.length > 0) throw malformed(key.provider, wrong)
        await record(key, context, { type: 'credential.resolved', outcome: 'success', version: found.version.label })
        return pick(variables, found.values)
      } catch (error) {
        if (isVaultError(error, 'audit_unavailable')) health.failed('audit', problemOf(error))
        else
          await recordOutcome(key, context, { type: 'credential.denied', outcome: 'failure', reason: reasonOf(error) })
        throw error
      }
    },

    save: (key, values, context) => write(key, values, 'any', context),

    async rotate(key, { field, value }, context) {
      const found = await ask(readDeadline, context.correlationId, (call) => backend.read(key, call))
      if (found.status !== 'active') throw missing(found.status, key.provider)
      const names = Object.keys(found.values)
      const changed = field ?? (names.length === 1 ? names[0] : undefined)
      if (changed === undefined || !names.includes(changed)) throw unknownField(key.provider, names)
      const kept = Object.entries(found.values).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      )
      return write(key, { ...Object.fromEntries(kept), [changed]: value }, { version: found.version.ref }, context)
    },

    async revoke(key, { purge }, context) {
      const intent = { expect: 'any' as const, purge, operationId: newCorrelationId() }
      try {
        const changed = await change(key, context, (call) => backend.revoke(key, intent, call))
        await recordOutcome(key, context, {
          type: 'credential.revoked',
          outcome: 'success',
          ...(purge ? { reason: 'purged' } : changed ? {} : { reason: 'nothing_to_revoke' }),
        })
        return changed
      } catch (error) {
        await recordOutcome(key, context, {
          type: 'credential.revoke_failed',
          outcome: 'error',
          reason: reasonOf(error),
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
    close: () => cache.clear(),
  }
  return credentials
}

function missing(status: 'absent' | 'revoked', provider: string): CredentialVaultError {
  return status === 'absent'
    ? new CredentialVaultError('credential_absent', `No credential is stored for ${provider}.`)
    : new CredentialVaultError(
        'credential_revoked',
        `The credential for ${provider} was revoked and has to be entered again.`,
      )
}

function unknownField(provider: string, names: readonly string[]): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    `The credential for ${provider} has the fields ${names.join(', ')}. Name the one to change.`,
    { reason: 'field_unknown' },
  )
}

function malformed(provider: string, fields: readonly string[]): CredentialVaultError {
  return new CredentialVaultError(
    'credential_malformed',
    `The stored credential for ${provider} does not fit its definition (${fields.join(', ')}). Rotate it, or revoke it and enter it again.`,
  )
}

// One object for one stored value and definition, so that what is derived from it can be kept with it.
const picked = new WeakMap<object, WeakMap<readonly Variable[], CredentialValues>>()

function pick(variables: readonly Variable[], stored: Readonly<Record<string, unknown>>): CredentialValues {
  const known = picked.get(stored) ?? new WeakMap<readonly Variable[], CredentialValues>()
  picked.set(stored, known)
  const values = known.get(variables) ?? Object.freeze(valuesOf(variables, stored))
  known.set(variables, values)
  return values
}

function valuesOf(variables: readonly Variable[], stored: Readonly<Record<string, unknown>>): CredentialValues {
  return Object.fromEntries(
    variables.flatMap(({ name }) => {
      const value = Object.hasOwn(stored, name) ? stored[name] : undefined
      return typeof value === 'string' ? [[name, value] as const] : []
    }),
  )
}
function problemOf(error: CredentialVaultError): string {
  return error.reason ?? error.code
}

function reasonOf(error: unknown): string {
  return isVaultError(error) ? problemOf(error) : 'unexpected'
}
