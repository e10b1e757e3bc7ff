import type { KeyObject } from 'node:crypto'
import { type AuditKeys, auditKeys, importPublicKey } from '../../audit/line/audit-keys.ts'
import { listSegments } from '../../audit/segments/segment-ends.ts'
import { findAcceptedKeys } from '../../core/crypto/accepted-keys.ts'
import { findKey } from '../../core/crypto/key-source.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { createStores } from '../../vault/environment/create-stores.ts'
import { withoutEmpty } from '../../vault/environment/environment.ts'
import { auditFolderOf } from '../../vault/environment/folders.ts'
import { warnOfUnknownVariables } from '../operator/unknown-variables.ts'
import type { Terminal } from '../terminal/command.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'

export const folderOption = { folder: { type: 'string' } } as const

/**
 * Returns the folder of `--folder`, or else the environment's.
 *
 * @throws `configuration_invalid` when it holds no audit log
 */
export async function auditFolder(input: CommandInput, terminal: Terminal): Promise<string> {
  warnOfUnknownVariables(terminal)
  const folder = input.text('folder') ?? auditFolderOf(terminal.environment)
  const segments = await listSegments(folder).catch((error: unknown) => {
    throw unreadableFolder(error, folder)
  })
  if (segments.length > 0) return folder
  throw noLog(`There is no audit log in ${folder}.`)
}

function unreadableFolder(error: unknown, folder: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOTDIR') return noLog(`${folder} is a file, not a folder.`)
  if (code === 'EACCES') return noLog(`This user has no permission to read ${folder}.`)
  return error
}

function noLog(problem: string): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    `${problem} Set the log's folder with --folder or MCP_AUDIT_FOLDER.`,
    { reason: 'no_audit_log' },
  )
}

/** Returns the log's keys, the current one first; none when this environment lacks the current key. */
export async function ownAuditKeys({ environment, error }: Terminal): Promise<readonly AuditKeys[]> {
  const warn = (problem: string) => error(`mcp-credential-vault: ${problem}\n`)
  const configured = findKey({ name: 'MCP_AUDIT_KEY', warn }, environment)?.key
  const { MCP_AUDIT_KEY_ACCEPTED, MCP_AUDIT_KEY_ACCEPTED_FILE } = withoutEmpty(environment)
  // The store need not open for a log that has a key of its own.
  const derived =
    configured && !(MCP_AUDIT_KEY_ACCEPTED ?? MCP_AUDIT_KEY_ACCEPTED_FILE)
      ? undefined
      : await derivedAuditKey(environment)
  const current = configured ?? derived
  const option = 'jsonLinesAudit.acceptedKeys'
  const accepted = findAcceptedKeys({ name: 'MCP_AUDIT_KEY', option, current, derived, warn }, environment)
  return current ? [current, ...accepted].map(auditKeys) : []
}

/** Returns the audit key that follows the sealed file's key, if this environment has that. */
export async function derivedAuditKey(environment: NodeJS.ProcessEnv): Promise<Uint8Array | undefined> {
  const { MCP_VAULT_BACKEND: backend = 'sealed-file', MCP_VAULT_KEY, MCP_VAULT_KEY_FILE } = withoutEmpty(environment)
  if (backend !== 'sealed-file' || !(MCP_VAULT_KEY ?? MCP_VAULT_KEY_FILE)) return undefined
  const stores = createStores(environment, { create: false, stdout: process.stderr })
  await stores.backend.open()
  try {
    return stores.backend.deriveKey?.('audit')
  } finally {
    await Promise.all([stores.backend.close(), stores.pendingStore.shutdown()])
  }
}

/** @throws `UsageError` for a `--key` that is none */
export function givenPublicKey(text: string): KeyObject {
  const key = importPublicKey(text)
  if (key) return key
  throw new UsageError('--key takes a public key as "audit key" prints it: 43 letters, digits, - and _')
}

/** Returns the public keys of `--key`, or else this environment's. */
export async function verifyingKeys(input: CommandInput, terminal: Terminal): Promise<readonly KeyObject[]> {
  const texts = input.texts('key')
  const own = texts.length > 0 ? [] : await ownAuditKeys(terminal)
  const keys = [...texts, ...own.map(({ publicKey }) => publicKey)].map(givenPublicKey)
  if (keys.length > 0) return keys
  throw new UsageError(
    'it needs the public key that the log is signed with: --key, as "mcp-credential-vault audit key" prints it on the server',
  )
}
