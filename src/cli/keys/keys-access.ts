import { reasonOf } from '../../core/journal/refusal-event.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { CredentialNote } from '../../core/ports/access-context.ts'
import type { StoreKeys } from '../../core/ports/store-keys.ts'
import { withOperatorAccess } from '../operator/operator-access.ts'
import type { ExitCode, Terminal } from '../terminal/command.ts'

/** An operator's access to the keys of the sealed file. */
export interface KeysAccess {
  readonly keys: StoreKeys
  /** Ends the work when the process is asked to stop. */
  readonly signal: AbortSignal
  /** Writes a line to the audit log, durably. Throws `audit_unavailable`. */
  record(event: CredentialNote): Promise<void>
  /** Writes the line, then changes the keys. If that fails, a second line says so. */
  change<T>(event: Omit<CredentialNote, 'outcome'>, work: () => Promise<T>): Promise<T>
}

/** @throws `unsupported` for a backend that has no keys of its own */
export function withStoreKeys(terminal: Terminal, work: (access: KeysAccess) => Promise<ExitCode>): Promise<ExitCode> {
  return withOperatorAccess(terminal, ({ credentials, context, storeKeys }) => {
    if (!storeKeys) throw noKeys()
    const record: KeysAccess['record'] = (event) => credentials.record(undefined, context, event)
    const change: KeysAccess['change'] = async (event, doIt) => {
      await record({ ...event, outcome: 'success' })
      try {
        return await doIt()
      } catch (error) {
        await record({ type: 'key.change_failed', outcome: 'error', reason: reasonOf(error) }).catch(() => {})
        throw error
      }
    }
    return work({ keys: storeKeys, signal: terminal.ended ?? new AbortController().signal, record, change })
  })
}

function noKeys(): CredentialVaultError {
  return new CredentialVaultError(
    'unsupported',
    'Only the sealed file has keys that this command changes. In Vault or AWS Secrets Manager, rotate the keys of the service itself.',
  )
}
