import { CredentialVaultError } from '../../core/model/errors.ts'
import type { ServerTier } from '../../core/ports/store-keys.ts'
import { openingOf } from './chain-opening.ts'
import { FOLDER_SETTING } from './folder-check.ts'
import { listSegments } from './segment-ends.ts'

/**
 * Refuses a folder with a chain that is not of a temporary key: `audit verify` knows the keys of such a log, and would count the lines of a
 * key that nobody keeps as forged, for ever. A chain whose first file is gone counts as one of a lasting key. A file without a complete line
 * counts as none.
 *
 * @throws `configuration_invalid` (`audit_key_missing`)
 */
export async function refuseTemporaryKey(folder: string): Promise<void> {
  const temporary = new Set<string>()
  for (const { file, writer } of await listSegments(folder)) {
    if (temporary.has(writer)) continue
    const opening = await openingOf(folder, file)
    if (opening === undefined) continue
    if (opening.isTemporary) {
      temporary.add(writer)
      continue
    }
    throw new CredentialVaultError(
      'configuration_invalid',
      `The audit log in ${folder} is signed with a key (${file}), and this process has none: its lines would count as forged. ` +
        `Set MCP_AUDIT_KEY_FILE to the key of that log, or ${FOLDER_SETTING} to a folder for this process alone.`,
      { reason: 'audit_key_missing' },
    )
  }
}

/**
 * Refuses a folder with a chain of another tier: whoever may write to one tier's log could forge or remove lines of the other's. A chain
 * whose first line names no tier is that of a command and counts as none, and so does one whose first file is gone.
 *
 * @throws `configuration_invalid` (`other_tiers_log`)
 */
export async function refuseLogOfOtherTier(folder: string, tier: ServerTier): Promise<void> {
  for (const { file } of await listSegments(folder)) {
    const other = (await openingOf(folder, file))?.tier
    if (other === undefined || other === tier) continue
    throw new CredentialVaultError(
      'configuration_invalid',
      `The audit log in ${folder} is that of ${WRITERS[other]} (${file}), and this process is ${WRITERS[tier]}. ` +
        `Set ${FOLDER_SETTING} to a folder for ${SERVERS[tier]} alone, empty or new. ${KEEP}`,
      { reason: 'other_tiers_log' },
    )
  }
}

const WRITERS: Readonly<Record<ServerTier, string>> = {
  form: 'the form tier',
  tool: 'the tool tier',
  all: 'a server that is both tiers',
}
const SERVERS: Readonly<Record<ServerTier, string>> = { form: 'this tier', tool: 'this tier', all: 'this server' }
/** Operators meet this when they split a server in two, or join it again. */
const KEEP =
  'Keep the old folder and its audit key as evidence: "audit show --folder" reads it, and "audit verify --folder" with the old key (MCP_AUDIT_KEY_FILE or --key).'
