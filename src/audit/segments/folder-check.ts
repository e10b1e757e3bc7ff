import { access, constants, statfs } from 'node:fs/promises'
import type { ErrorReason } from '../../core/model/error-reason.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'

/** The log's folder as messages name it: the variable, and the option of those who open the log in code. */
export const FOLDER_SETTING = 'MCP_AUDIT_FOLDER (jsonLinesAudit.folder)'

/** Bytes that a disk must have left: lines of a busy server for some seconds. */
const LEAST_FREE = 1024 * 1024

/**
 * Finds out without writing whether the log could go on in this folder.
 *
 * @throws `audit_unavailable`: `disk_full` with less than 1 MiB left, `read_only`, `permission`, or `write_failed` for a folder that is gone
 */
export async function checkLogFolder(folder: string): Promise<void> {
  try {
    // With a file in its place this fails.
    await access(`${folder}/.`)
    await access(folder, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw unusable(folder, error instanceof Error && 'code' in error ? error.code : undefined)
  }
  // Some file systems do not know their size, and say 0.
  const { bavail, bsize, blocks } = await statfs(folder).catch(() => ({ bavail: 0, bsize: 0, blocks: 0 }))
  if (blocks > 0 && bavail * bsize < LEAST_FREE)
    throw unavailable('disk_full', `The disk of the audit log in ${folder} is nearly full. Free some space.`)
}

function unusable(folder: string, code: unknown): CredentialVaultError {
  if (code === 'EROFS') {
    const advice = `Mount it writable, or set ${FOLDER_SETTING} to another`
    return unavailable('read_only', `The folder of the audit log, ${folder}, is on a read-only file system. ${advice}.`)
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const advice = 'Make this user its owner'
    return unavailable('permission', `This user may no longer write to the audit log's folder ${folder}. ${advice}.`)
  }
  return unavailable('write_failed', `The audit log's folder ${folder} is gone. Restore it, or mount its volume again.`)
}

function unavailable(reason: ErrorReason, message: string): CredentialVaultError {
  return new CredentialVaultError('audit_unavailable', message, { reason, retryable: true })
}
