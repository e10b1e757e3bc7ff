import type { KeyObject } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { publicKeyText } from '../../audit/line/audit-keys.ts'
import { listSegments, readSegmentEnds } from '../../audit/segments/segment-ends.ts'
import type { SegmentName } from '../../audit/segments/segment-name.ts'
import { findRetirement } from '../../audit/verify/find-retirement.ts'
import { findAcceptedKeys } from '../../core/crypto/accepted-keys.ts'
import { findKey } from '../../core/crypto/key-source.ts'
import { keyId } from '../../core/crypto/key-text.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { KeyUse } from '../../core/ports/store-keys.ts'
import { auditFolderOf } from '../../vault/environment/folders.ts'
import { ownAuditKeys } from '../audit/audit-folder.ts'
import type { Terminal } from '../terminal/command.ts'
import { counted } from '../terminal/table.ts'
import type { CheckResult } from './check-result.ts'

/** Names the listed accepted keys by id or public key, and what still needs them, where that can be known. Never prints a key. */
export async function checkAcceptedKeys(
  terminal: Terminal,
  derivedWebKey: Uint8Array | undefined,
  onFound: (use: KeyUse) => void,
  { isOwnLog }: { readonly isOwnLog: boolean },
): Promise<readonly CheckResult[]> {
  return [
    ...(await checkOf('web keys besides the current one', () => webKeys(terminal, derivedWebKey, onFound))),
    ...(await checkOf('audit keys besides the current one', () => auditKeysInUse(terminal))),
    // Whoever named another server's log by mistake must not list that server's key.
    ...(isOwnLog ? await checkUnlistedAuditKeys(terminal) : []),
  ]
}

async function checkOf(check: string, work: () => Promise<string | undefined>): Promise<readonly CheckResult[]> {
  try {
    const detail = await work()
    return detail === undefined ? [] : [{ check, result: 'ok', detail }]
  } catch (error) {
    const detail = isCredentialVaultError(error)
      ? `${error.message} [${error.code}]`
      : 'they cannot be read. Check the files and the folder of the audit log that this environment names'
    return [{ check, result: 'wrong', detail }]
  }
}

/** No record says who still holds what was sealed with a web key, but all of it expires. */
async function webKeys(
  { environment, error }: Terminal,
  derived: Uint8Array | undefined,
  onFound: (use: KeyUse) => void,
): Promise<string | undefined> {
  const warn = (problem: string) => error(`mcp-credential-vault: ${problem}\n`)
  const current = findKey({ name: 'MCP_WEB_KEY', warn, onFound }, environment)?.key ?? derived
  const option = 'openVault.acceptedWebKeys'
  const accepted = findAcceptedKeys({ name: 'MCP_WEB_KEY', option, current, derived, warn, onFound }, environment)
  if (accepted.length === 0) return undefined
  const ids = accepted.map(keyId).join(', ')
  return `${ids}; each is needed until no process uses it as the current key, and its sessions and links have expired (MCP_SESSION_MAX_SECONDS, MCP_LINK_TTL_SECONDS)`
}

/** Counts the files of each listed key. */
async function auditKeysInUse(terminal: Terminal): Promise<string | undefined> {
  const [, ...accepted] = await ownAuditKeys(terminal)
  if (accepted.length === 0) return undefined
  const folder = auditFolderOf(terminal.environment)
  const segments = await listSegments(folder)
  const uses = accepted.map(async ({ verifyingKey, publicKey }) => `${publicKey}: ${await useOf(verifyingKey)}`)
  return (await Promise.all(uses)).join('; ')

  async function useOf(key: KeyObject): Promise<string> {
    const starts: string[] = []
    for (const segment of segments) {
      const ends = await readSegmentEnds(folder, segment, [key]).catch(() => undefined)
      if (ends) starts.push(ends.first.at)
    }
    if (starts.length > 0) return `${since(starts)} ${starts.length === 1 ? 'needs' : 'need'} it`
    // Retention may have removed that line as well as the files.
    return (await findRetirement(folder, publicKeyText(key)))
      ? 'retired, and no file is signed with it any more, so that it can go'
      : 'no file is signed with it: it is not in use yet, or its files have expired'
  }
}

/** Counts the files that "audit verify" cannot verify with the keys of this environment. */
async function checkUnlistedAuditKeys(terminal: Terminal): Promise<readonly CheckResult[]> {
  try {
    const keys = (await ownAuditKeys(terminal)).map(({ verifyingKey }) => verifyingKey)
    if (keys.length === 0) return []
    const folder = auditFolderOf(terminal.environment)
    const starts: string[] = []
    for (const segment of await listSegments(folder))
      if (await isForeign(folder, segment, keys)) starts.push(segment.begun.toISOString())
    if (starts.length === 0) return []
    const signed = starts.length === 1 ? 'is signed with a key that is' : 'are signed with keys that are'
    const detail = `${since(starts)} ${signed} neither the current key nor listed. "audit verify" names the files. List a key that was yours in MCP_AUDIT_KEY_ACCEPTED_FILE`
    return [{ check: 'the keys of the audit log', result: 'wrong', detail }]
  } catch {
    // The checks above report keys and folders that cannot be read.
    return []
  }
}

/** A file of which nothing has been signed yet is no other key's. */
async function isForeign(folder: string, segment: SegmentName, keys: readonly KeyObject[]): Promise<boolean> {
  const { size } = await stat(join(folder, segment.file))
  return size > 0 && !(await readSegmentEnds(folder, segment, keys).catch(() => true))
}

function since(starts: readonly string[]): string {
  return `${counted(starts.length, 'file')} since ${[...starts].sort()[0]?.slice(0, 10)}`
}
