import { access, constants, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { listSegments } from '../../audit/segments/segment-ends.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import { auditFolderOf, storeFolderOf } from '../../vault/environment/folders.ts'
import type { Terminal } from '../terminal/command.ts'
import { type CheckResult, skipped, TIER_NAMES, tried } from './check-result.ts'

const OPENS = `${TIER_NAMES.both} opens the store`
const WRITTEN = 'the audit log can be written'

/**
 * Returns the checks of a sealed file that the first `start` will make; undefined if there is one, or a fault such as a missing key. Once a
 * server has run, a missing folder is a fault, which the audit log shows. A process with one tier's bundle makes no store.
 */
export async function storeNotYetMade(
  backend: SecretBackend,
  { environment }: Pick<Terminal, 'environment'>,
): Promise<readonly CheckResult[] | undefined> {
  if (backend.principals) return undefined
  const opening = await tried(() => backend.open())
  if (opening.ok || opening.reason !== 'no_store') return undefined
  const folder = resolve(storeFolderOf(environment))
  const auditFolder = resolve(auditFolderOf(environment))
  const segments = await tried(() => listSegments(auditFolder))
  if (segments.ok && segments.value.length > 0) return undefined
  const ifMistyped = 'If a server has run already, set MCP_VAULT_FOLDER to its folder'
  return [
    await toBeMade(OPENS, folder, `. ${ifMistyped}`),
    skipped(`${TIER_NAMES.both} saves, reads and revokes`, 'there is no store yet'),
    await toBeMade(WRITTEN, auditFolder, ''),
  ]
}

async function toBeMade(check: string, folder: string, advice: string): Promise<CheckResult> {
  const parent = await nearestFolder(folder)
  const allowed = await tried(() => access(parent, constants.W_OK | constants.X_OK))
  return allowed.ok
    ? { check, result: 'note', detail: `${folder} is not yet made; "start" makes it${advice}` }
    : {
        check,
        result: 'wrong',
        detail: `"start" cannot make ${folder}, because this user may not write to ${parent}. Allow it, or choose another folder`,
      }
}

/** Returns the folder itself, or the nearest one above it that exists. */
async function nearestFolder(folder: string): Promise<string> {
  const found = await tried(() => stat(folder))
  return found.ok || dirname(folder) === folder ? folder : nearestFolder(dirname(folder))
}
