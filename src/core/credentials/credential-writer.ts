import { reasonOf } from '../journal/refusal-event.ts'
import { TRANSITIONS } from '../journal/transitions.ts'
import { newCorrelationId } from '../model/correlation-id.ts'
import { CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { CredentialValues } from '../model/variables.ts'
import type { AccessContext, CredentialNote } from '../ports/access-context.ts'
import type { Expectation, StoredVersion, WritableBackend, WriteIntent } from '../ports/secret-backend.ts'
import { type BackendCalls, concernsOneCredential } from './backend-calls.ts'
import { type CallTrace, requestIdsOf, traceOf } from './call-trace.ts'
import type { AccessLog } from './credential-audit.ts'
import { revokeOnce } from './revoke-once.ts'
import { saveOnce } from './save-once.ts'
import type { SaveRequest } from './unconfirmed-save.ts'

/** Saves and revokes values in a backend. It releases nothing. */
export interface CredentialWriter {
  /**
   * Writes once the `credential.storing` line is durable. The values are durable when this resolves. If it rejects, the earlier values are
   * still stored, except after `outcome_unknown`, when either may be, and after `mayKeep` rejected, when nothing is.
   */
  save(key: StorageKey, values: CredentialValues, context: AccessContext, options?: SaveDetails): Promise<StoredVersion>
  /**
   * Revokes even if the audit log cannot be written. Resolves to false when nothing was stored. `expect` is what must still be stored;
   * default `any`.
   *
   * @throws `conflict` if it is not, or a backend's error
   */
  revoke(
    key: StorageKey,
    options: { readonly purge: boolean; readonly expect?: Expectation },
    context: AccessContext,
  ): Promise<boolean>
}

export interface SaveDetails {
  /** Called once the line is durable, before anything is written. Rejects if the write is no longer allowed. */
  readonly mayWrite?: (() => Promise<void>) | undefined
  /**
   * Called once the values are durable. If it rejects, what was written is revoked, unless it has been replaced, and the save rejects
   * with the same error; with `outcome_unknown` if the revocation fails.
   */
  readonly mayKeep?: (() => Promise<void>) | undefined
  /** Called once it is certain that the values stay, while the line of the outcome is written. The save resolves after both. */
  readonly onKept?: (() => Promise<unknown>) | undefined
  readonly labels?: WriteIntent['labels']
  /** What must still be stored. `found`: what is stored before `mayWrite` is called. Default `any`. */
  readonly expect?: Expectation | 'found'
}

export interface CredentialWriterParts {
  readonly backend: WritableBackend
  readonly calls: BackendCalls
  readonly log: AccessLog
  /** Called before and after each change: a read that runs during the change must not put the old value back into the cache. */
  readonly changed?: ((key: StorageKey) => void) | undefined
}

export function createCredentialWriter(parts: CredentialWriterParts): CredentialWriter {
  return {
    async save(key, values, context, { mayWrite, mayKeep, onKept, labels, expect = 'any' } = {}) {
      let keeping: Promise<void> | undefined
      const mayStay = async () => mayKeep?.()
      const noteWritten = () => {
        keeping = mayStay()
        // The write may reject first.
        keeping.catch(() => undefined)
      }
      const write = { key, values, labels, expect, context, mayWrite, noteWritten, done: STORED }
      const { version, noted } = await writeBetweenLines(parts, write).catch(async (error: unknown) => {
        // Whoever may be told now that nothing was saved undoes what the check does.
        await keeping?.catch(() => undefined)
        throw error
      })
      try {
        await (keeping ?? mayStay())
      } catch (error) {
        await takeBack(parts, { key, version, context, reason: reasonOf(error) })
        throw error
      }
      await Promise.all([noted, onKept?.()])
      return version
    },

    revoke: (key, { purge, expect = 'any' }, context) => announcedRevocation(parts, { key, purge, expect, context }),
  }
}

interface AnnouncedRevocation {
  readonly key: StorageKey
  readonly purge: boolean
  readonly expect: Expectation
  readonly context: AccessContext
  /** Why a save is taken back. */
  readonly reason?: CredentialNote['reason']
}

async function announcedRevocation(
  parts: CredentialWriterParts,
  { key, purge, expect, context, reason }: AnnouncedRevocation,
): Promise<boolean> {
  const { backend, calls, log } = parts
  const intent = { expect, purge, operationId: newCorrelationId() }
  const trace = traceOf(context)
  try {
    const found = await announcingChange(parts, key, () => revokeOnce(backend, calls, key, intent, trace))
    await log.note(key, context, {
      type: TRANSITIONS[purge ? 'purge' : 'revoke'].event,
      outcome: 'success',
      reason: found ? reason : 'nothing_to_revoke',
      backendRequestIds: requestIdsOf(trace),
    })
    return found
  } catch (error) {
    await log.note(key, context, {
      type: 'credential.revoke_failed',
      outcome: 'error',
      reason: reasonOf(error),
      backendRequestIds: requestIdsOf(trace),
    })
    throw error
  }
}

/** Revokes the version that a save has written, and no other. */
async function takeBack(
  parts: CredentialWriterParts,
  { version, ...save }: Pick<AnnouncedRevocation, 'key' | 'context' | 'reason'> & { readonly version: StoredVersion },
): Promise<void> {
  try {
    await announcedRevocation(parts, { ...save, purge: false, expect: { version: version.ref } })
  } catch (error) {
    if (isCredentialVaultError(error, 'conflict')) return
    throw new CredentialVaultError(
      'outcome_unknown',
      `A save was no longer allowed when it was written, and it could not be taken back. Revoke this credential: ${save.key.provider}.`,
    )
  }
}

const STORED = { type: TRANSITIONS.save.event, outcome: 'success' } as const

export interface AnnouncedWrite {
  readonly key: StorageKey
  readonly values: CredentialValues
  readonly expect: NonNullable<SaveDetails['expect']>
  readonly context: AccessContext
  /** The line that records success. */
  readonly done: CredentialNote
  readonly mayWrite?: SaveDetails['mayWrite']
  readonly labels?: SaveDetails['labels']
}

/** Writes between two audit lines: the intent line, which is durable first, and the outcome line. */
export async function announcedWrite(parts: CredentialWriterParts, write: AnnouncedWrite): Promise<StoredVersion> {
  const { version, noted } = await writeBetweenLines(parts, write)
  await noted
  return version
}

interface WriteAndLine {
  readonly version: StoredVersion
  /** Resolves once the outcome line was written. Later lines come after it in any case. Never rejects. */
  readonly noted: Promise<void>
}

async function writeBetweenLines(
  parts: CredentialWriterParts,
  write: AnnouncedWrite & Pick<SaveRequest, 'noteWritten'>,
): Promise<WriteAndLine> {
  const { backend, calls, log } = parts
  const { key, values, labels, expect, context, done, mayWrite, noteWritten } = write
  const trace = traceOf(context)
  // Looking changes nothing, so it does not wait for the line.
  const looking = expect === 'found' ? foundNow(parts, key, trace) : undefined
  looking?.catch(() => undefined)
  const audit = await log.grant(key, context, { type: 'credential.storing', outcome: 'success' })
  const operationId = newCorrelationId()
  try {
    const base = expect === 'found' ? await looking : { expect }
    await mayWrite?.()
    const request = { key, values, labels, expect: 'any', ...base, audit, operationId, noteWritten } as const
    const version = await announcingChange(parts, key, () => saveOnce(backend, calls, request, trace))
    const noted = log.note(key, context, {
      ...done,
      version: version.label,
      backendRequestIds: requestIdsOf(trace),
    })
    return { version, noted }
  } catch (error) {
    await log.note(key, context, {
      type: 'credential.store_failed',
      outcome: 'error',
      reason: reasonOf(error),
      backendRequestIds: requestIdsOf(trace),
    })
    throw error
  }
}

/** A record that cannot be read is there to be replaced. */
async function foundNow(
  { backend, calls }: CredentialWriterParts,
  key: StorageKey,
  trace: CallTrace,
): Promise<Pick<SaveRequest, 'expect' | 'found'>> {
  try {
    const found = await calls.ask(trace, (call) => backend.stat(key, call))
    return { expect: found.status === 'active' ? { version: found.version.ref } : 'absent', found }
  } catch (error) {
    if (isCredentialVaultError(error) && concernsOneCredential(error)) return { expect: 'any' }
    throw error
  }
}

async function announcingChange<T>(
  { changed }: CredentialWriterParts,
  key: StorageKey,
  operation: () => Promise<T>,
): Promise<T> {
  changed?.(key)
  try {
    return await operation()
  } finally {
    changed?.(key)
  }
}
