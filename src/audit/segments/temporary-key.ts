import { CredentialVaultError } from '../../core/model/errors.ts'
import { FOLDER_SETTING } from '../folder-setting.ts'
import { openingOf } from './chain-opening.ts'
import { listSegments } from './segment-ends.ts'

/**
 * Refuses a folder with a chain that is not of a temporary key: `audit verify` knows the keys of such a log, and would count the lines of a
 * key that nobody keeps as forged, for ever. A chain whose first file is gone counts as one of a lasting key. A file without a complete line counts as none.
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
