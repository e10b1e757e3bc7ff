import { CredentialVaultError } from '../../core/model/errors.ts'
import type { ServerTier } from '../../core/ports/store-keys.ts'
import { startOfFile } from './file-start.ts'
import { listSegments } from './segment-ends.ts'

/** What the first line of a chain says of the server that writes it. */
const TIER =
  /^[^\n]*"type":"audit\.opened","outcome":"success","key":"[\w-]{43}",(?:"temporaryKey":true,)?"tier":"(form|tool|all)",/
/** Bytes of the first line that come before and with its tier. */
const SEARCHED_BYTES = 1024

/**
 * Refuses a folder with a chain of another tier: whoever may write to one tier's log could forge or remove lines of the other's. A chain
 * whose first line names no tier is that of a command and counts as none, and so does one whose first file is gone.
 *
 * @throws `configuration_invalid` (`other_tiers_log`)
 */
export async function refuseLogOfOtherTier(folder: string, tier: ServerTier): Promise<void> {
  for (const { file } of await listSegments(folder)) {
    const other = TIER.exec(await startOfFile(folder, file, SEARCHED_BYTES))?.[1]
    if (other === undefined || other === tier) continue
    throw new CredentialVaultError(
      'configuration_invalid',
      `The audit log in ${folder} is that of ${WRITERS[other as ServerTier]} (${file}), and this process is ${WRITERS[tier]}. ` +
        `Set MCP_AUDIT_FOLDER to a folder for ${SERVERS[tier]} alone, empty or new. ${KEEP}`,
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
