import { CredentialVaultError } from '../../core/model/errors.ts'
import { startOfFile } from './file-start.ts'
import { listSegments } from './segment-ends.ts'

/** What the first line of a chain says of a key that only one process had. */
const TEMPORARY = /^[^\n]*"type":"audit\.opened","outcome":"success","key":"[\w-]{43}","temporaryKey":true,/
/** Bytes of the first line that come before and with its key. */
const SEARCHED_BYTES = 1024

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
    const start = await startOfFile(folder, file, SEARCHED_BYTES)
    // A process that died at its first line left no chain.
    if (start.length < SEARCHED_BYTES && !start.includes('\n')) continue
    if (TEMPORARY.test(start)) {
      temporary.add(writer)
      continue
    }
    throw new CredentialVaultError(
      'configuration_invalid',
      `The audit log in ${folder} is signed with a key (${file}), and this process has none: its lines would count as forged. ` +
        'Set MCP_AUDIT_KEY_FILE to the key of that log, or MCP_AUDIT_FOLDER to a folder for this process alone.',
      { reason: 'audit_key_missing' },
    )
  }
}
