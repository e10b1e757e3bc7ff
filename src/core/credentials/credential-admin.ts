import { translated } from '../host/deadline.ts'
import { refusalEvent } from '../journal/refusal-event.ts'
import { TRANSITIONS } from '../journal/transitions.ts'
import type { StorageKey } from '../model/storage-key.ts'
import { checkSize, type FieldChange, missing, withField } from '../model/stored-values.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type {
  CredentialLookup,
  CredentialStatus,
  RotateCommand,
  SecretBackend,
  StoredCredential,
  StoredVersion,
} from '../ports/secret-backend.ts'
import type { BackendCalls } from './backend-calls.ts'
import { requestIdsOf, traceOf } from './call-trace.ts'
import type { AccessLog } from './credential-audit.ts'
import { announcedWrite } from './credential-writer.ts'
import { lookUp, statusOf } from './status-of.ts'

/** Operations of operators other than saving and revoking. */
export interface CredentialAdmin {
  readonly backendName: string
  /** All credentials, once the `admin.listed` line is durable. */
  list(context: AccessContext): AsyncIterable<StoredCredential>
  /** Tells whether a credential is stored. Reads no values and is not audited. */
  status(
    key: StorageKey,
    context: Pick<AccessContext, 'correlationId' | 'assertion' | 'trace'>,
  ): Promise<CredentialStatus>
  /**
   * Replaces one field of an active credential and keeps the others. Fails with `conflict` if the credential changes meanwhile. To keep the
   * others it reads the values, and writes a `credential.read` line first. Without `field` the credential must have exactly one field;
   * `field_unknown` lists its fields.
   */
  rotate(key: StorageKey, change: FieldChange, context: AccessContext): Promise<StoredVersion>
  locate(key: StorageKey): string
  /** Returns the names of its fields, or undefined if only the values would tell them. Not audited. */
  fieldNames(key: StorageKey, context: Pick<AccessContext, 'correlationId'>): Promise<readonly string[] | undefined>
  /** Returns the vendor's own command that rotates it by hand, or undefined if there is none. */
  rotateCommand(key: StorageKey, fields: readonly string[]): RotateCommand | undefined
}

export interface CredentialAdminParts {
  readonly backend: SecretBackend
  readonly calls: BackendCalls
  readonly log: AccessLog
  readonly changed?: ((key: StorageKey) => void) | undefined
}

type ActiveCredential = Extract<CredentialLookup, { status: 'active' }>

export function createCredentialAdmin(parts: CredentialAdminParts): CredentialAdmin {
  const { backend, calls, log } = parts

  /** Returns the newest values once their audit line is durable. */
  async function readForOperator(key: StorageKey, context: AccessContext): Promise<ActiveCredential> {
    const trace = traceOf(context)
    let found: CredentialLookup
    try {
      found = await lookUp(parts, key, trace)
      if (found.status !== 'active') throw missing(found.status, key.provider)
    } catch (error) {
      await log.note(key, context, { ...refusalEvent(error), backendRequestIds: requestIdsOf(trace) })
      throw error
    }
    await log.grant(key, context, {
      type: 'credential.read',
      outcome: 'success',
      version: found.version.label,
      backendRequestIds: requestIdsOf(trace),
    })
    return found
  }

  return {
    backendName: backend.name,

    async *list(context) {
      await log.grant(undefined, context, { type: 'admin.listed', outcome: 'success' })
      try {
        yield* backend.list({ signal: new AbortController().signal, correlationId: context.correlationId })
      } catch (error) {
        throw translated(backend.name, error)
      }
    },

    status: (key, context) => statusOf(parts, key, context),

    async rotate(key, change, context) {
      const found = await readForOperator(key, context)
      const values = withField(key.provider, found.values, change)
      checkSize(key.provider, values)
      const expect = { version: found.version.ref }
      const done = { type: TRANSITIONS.rotate.event, outcome: 'success', previousVersion: found.version.label } as const
      return announcedWrite(parts, { key, values, expect, context, done })
    },

    locate: (key) => backend.locate(key),
    fieldNames: (key, context) =>
      calls.ask(traceOf(context), async (call) => {
        const status = await backend.stat(key, call)
        if (status.status !== 'active') return undefined
        return status.fields ?? backend.fieldNames?.(key, call)
      }),
    rotateCommand: (key, fields) => backend.rotateCommand?.(key, fields),
  }
}
