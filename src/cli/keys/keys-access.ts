import { reasonOf } from '../../core/journal/refusal-event.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { CredentialNote } from '../../core/ports/access-context.ts'
import type { StoreKeys } from '../../core/ports/store-keys.ts'
import { type OperatorAccess, withOperatorAccess } from '../operator/operator-access.ts'
import type { ExitCode, Terminal } from '../terminal/command.ts'

/** An operator's access to the keys of a store. */
export interface KeysAccess<K = StoreKeys> {
  readonly keys: K
  /** Ends the work when the process is asked to stop. */
  readonly signal: AbortSignal
  /** Writes a line to the audit log, durably. Throws `audit_unavailable`. */
  record(event: CredentialNote): Promise<void>
  /** Writes the line, then changes the keys. If that fails, a second line says so. */
  change<T>(event: Omit<CredentialNote, 'outcome'>, work: () => Promise<T>): Promise<T>
}

/** @throws `unsupported` for a backend that has no keys of its own */
export function withStoreKeys(terminal: Terminal, work: (access: KeysAccess) => Promise<ExitCode>): Promise<ExitCode> {
  return withKeys(
    terminal,
    ({ storeKeys, resealing }) => storeKeys ?? (resealing ? failForConfiguredKeys() : failWithoutKeys(terminal)),
    work,
  )
}

/** @throws `unsupported` for a backend that seals nothing */
export function withResealing(
  terminal: Terminal,
  work: (access: KeysAccess<Pick<StoreKeys, 'reseal'>>) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withKeys(terminal, ({ storeKeys, resealing }) => resealing ?? storeKeys ?? failWithoutKeys(terminal), work)
}

function withKeys<K>(
  terminal: Terminal,
  keysOf: (access: OperatorAccess) => K,
  work: (access: KeysAccess<K>) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withOperatorAccess(terminal, (access) => {
    const keys = keysOf(access)
    const { credentials, context } = access
    const record: KeysAccess<K>['record'] = (event) => credentials.record(undefined, context, event)
    const change: KeysAccess<K>['change'] = async (event, doIt) => {
      await record({ ...event, outcome: 'success' })
      try {
        return await doIt()
      } catch (error) {
        await record({ type: 'key.change_failed', outcome: 'error', reason: reasonOf(error) }).catch(() => {})
        throw error
      }
    }
    return work({ keys, signal: terminal.ended ?? new AbortController().signal, record, change })
  })
}

function failWithoutKeys({ environment }: Terminal): never {
  if (environment['MCP_VAULT_BUNDLE_FILE']) {
    throw new CredentialVaultError(
      'unsupported',
      "MCP_VAULT_BUNDLE_FILE holds the keys of one tier, which cannot change the store's. Run this command with MCP_VAULT_KEY_FILE instead.",
    )
  }
  throw new CredentialVaultError(
    'unsupported',
    'Only the sealed file has keys that this command changes. In Vault or AWS Secrets Manager, rotate the keys of the service itself. ' +
      'If your servers seal with an envelope, set MCP_SEALED_ENVELOPE_KEY_FILE here as there, and run the command again.',
  )
}

function failForConfiguredKeys(): never {
  throw new CredentialVaultError(
    'unsupported',
    'Only the sealed file has keys that this command changes. The keys of a sealed envelope are in its configuration: create one with ' +
      '"mcp-credential-vault keygen", set MCP_SEALED_ENVELOPE_KEY_FILE to it and MCP_SEALED_ENVELOPE_KEY_ACCEPTED_FILE to the earlier one, ' +
      'restart the server, run "mcp-credential-vault keys reseal", and then remove the earlier key.',
  )
}
