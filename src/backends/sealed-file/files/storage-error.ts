import { CredentialVaultError } from '../../../core/model/errors.ts'

/** The operating system's error code, e.g. `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Turns a file system error into ours. The system's text is dropped, because it may hold more than an operator should see. */
export function storageError(error: unknown, folder: string): CredentialVaultError {
  if (error instanceof CredentialVaultError) return error
  const errno = errnoOf(error)
  switch (errno) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new CredentialVaultError(
        'unavailable',
        `The disk that holds ${folder} is full, so nothing was saved and the earlier value remains. Free some space; reading and revoking still work.`,
        { reason: 'disk_full' },
      )
    case 'EROFS':
      return new CredentialVaultError(
        'unavailable',
        `The file system that holds ${folder} is read-only, so nothing was changed. Mount it writable, or name a folder on a writable volume in MCP_VAULT_FOLDER.`,
        { reason: 'read_only' },
      )
    case 'EACCES':
    case 'EPERM':
      return new CredentialVaultError(
        'forbidden',
        `This user has no permission to use ${folder}. Give it to the user that runs the server: chown -R, then chmod -R go= on it.`,
        { reason: 'permission' },
      )
    case 'ENOENT':
      return new CredentialVaultError(
        'unavailable',
        `The store in ${folder} is missing: its volume was unmounted or its folders were removed. Mount the volume or restore the folders.`,
        { reason: 'store_gone' },
      )
    default:
      return new CredentialVaultError(
        'unavailable',
        `The file system that holds ${folder} failed (${errno ?? 'unknown error'}). Check the system's log.`,
        { reason: 'io', retryable: true },
      )
  }
}
