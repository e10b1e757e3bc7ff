import { publicKeyText } from '../../audit/line/audit-keys.ts'
import { listSegments, readSegmentEnds } from '../../audit/segments/segment-ends.ts'
import { findAcceptedKeys } from '../../core/crypto/accepted-keys.ts'
import { findKey } from '../../core/crypto/key-source.ts'
import { keyId } from '../../core/crypto/key-text.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { KeyUse } from '../../core/ports/key-use.ts'
import { auditFolderOf, ownAuditKeys } from '../audit/audit-folder.ts'
import type { Terminal } from '../terminal/command.ts'
import { counted } from '../terminal/table.ts'
import type { CheckResult } from './check-result.ts'

/** Names the listed accepted keys by id or public key, and what still needs them, where that can be known. Never prints a key. */
export async function checkAcceptedKeys(
  terminal: Terminal,
  derivedWebKey: Uint8Array | undefined,
  onFound: (use: KeyUse) => void,
): Promise<readonly CheckResult[]> {
  return [
    ...(await checkOf('the accepted web keys', () => webKeys(terminal, derivedWebKey, onFound))),
    ...(await checkOf('the accepted audit keys', () => auditKeysInUse(terminal))),
  ]
}

async function checkOf(check: string, work: () => Promise<string | undefined>): Promise<readonly CheckResult[]> {
  try {
    const detail = await work()
    return detail === undefined ? [] : [{ check, result: 'ok', detail }]
  } catch (error) {
    const detail = isCredentialVaultError(error) ? `${error.message} [${error.code}]` : 'They cannot be read.'
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
  return `${ids}; a replaced key can go once its sessions and links have expired (MCP_SESSION_MAX_SECONDS, MCP_LINK_TTL_SECONDS)`
}

async function auditKeysInUse(terminal: Terminal): Promise<string | undefined> {
  const [, ...accepted] = await ownAuditKeys(terminal)
  if (accepted.length === 0) return undefined
  const folder = auditFolderOf(terminal.environment)
  const segments = await listSegments(folder)
  const uses = accepted.map(async ({ verifyingKey }) => {
    let files = 0
    let oldest = ''
    for (const segment of segments) {
      const ends = await readSegmentEnds(folder, segment, [verifyingKey]).catch(() => undefined)
      if (!ends) continue
      files += 1
      if (oldest === '' || ends.first.at < oldest) oldest = ends.first.at
    }
    const need =
      files === 0
        ? 'no file is signed with it'
        : `${counted(files, 'file')} since ${oldest.slice(0, 10)} ${files === 1 ? 'needs' : 'need'} it`
    return `${publicKeyText(verifyingKey)}: ${need}`
  })
  return (await Promise.all(uses)).join('; ')
}
