import { constants, type Stats } from 'node:fs'
import { access, lstat, mkdir, open, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { CredentialVaultError } from '../model/errors.ts'

/** The folder's purpose. */
export interface FolderUse {
  readonly holds: 'store' | 'audit log'
  /** The variable and the option that set it, as errors name them, e.g. `MCP_VAULT_FOLDER (sealedFile.folder)`. */
  readonly setting: string
  readonly warn: (message: string) => void
}

export interface PrivateFolder {
  /** Its real path. */
  readonly path: string
  readonly stats: Stats
  /** The topmost folder that was created, which may be a parent. Undefined if none was created. The caller makes the new names durable. */
  readonly topmost: string | undefined
}

const OTHERS_WRITE = 0o022
const EVERYONE_WRITES = 0o002
const MOUNT_MODES = 'mount it with dir_mode=0700 (CIFS) or umask=077 (FAT)'

/**
 * Creates the folder with mode 0700, or checks an existing one: only this process's user may write to it.
 *
 * If the folder belongs to this user and its group may write to it, it is set to mode 0700, because volume managers restore the group's
 * rights at each mount. A folder that everyone may write to is refused: no volume manager causes that, so the operator has to look at it.
 *
 * @throws `configuration_invalid` (`folder_writable`, `folder_not_a_directory`), `unavailable` (`read_only`), `forbidden` (`permission`),
 *   or the system's own error
 */
export async function openPrivateFolder(folder: string, use: FolderUse): Promise<PrivateFolder> {
  const wanted = resolve(folder)
  const topmost = await make(wanted, use)
  const path = await realpath(wanted)
  const found = await stat(path)
  const stats = (found.mode & OTHERS_WRITE) === 0 ? found : await tightened(path, found, use)
  if (stats.uid !== process.getuid?.() && stats.uid !== 0)
    use.warn(
      `${path} belongs to user ${stats.uid}, who can replace the ${use.holds} in it. Run: chown ${process.getuid?.()} ${path}`,
    )
  await access(path, constants.W_OK).catch((error: unknown) => use.warn(refusalOf(error, path, use).message))
  return { path, stats, topmost }
}

async function make(path: string, use: FolderUse): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    // On a read-only file system Node reports that a folder is missing, so the parents are looked at.
    throw (await obstacle(path, use)) ?? error
  }
}

/** Returns why a folder cannot be created, or undefined if its parents do not show the reason. */
async function obstacle(path: string, use: FolderUse): Promise<CredentialVaultError | undefined> {
  for (let current = path; ; current = dirname(current)) {
    const found = await stat(current).catch(codeOf)
    if (typeof found === 'object') {
      if (!found.isDirectory()) return notAFolder(current, use)
      const refusal = await access(current, constants.W_OK | constants.X_OK).catch((error: unknown) => error)
      return refusal === undefined ? undefined : refusalOf(refusal, path, use)
    }
    if (found === 'EACCES') return notPermitted(path, use)
    const isLink = await lstat(current).then(
      () => true,
      () => false,
    )
    if (isLink) return notAFolder(current, use)
    if (current === dirname(current)) return undefined
  }
}

async function tightened(path: string, { mode, uid, gid }: Stats, use: FolderUse): Promise<Stats> {
  const isOwn = uid === process.getuid?.()
  if (!isOwn || (mode & EVERYONE_WRITES) !== 0) {
    const who = (mode & EVERYONE_WRITES) === 0 ? `Group ${gid}` : 'Everyone'
    throw writable(
      `${who} may write to ${path}, and so could replace the ${use.holds} in it. ${
        isOwn
          ? `Run: chmod 700 ${path}. On a shared volume, name a folder inside it; where the file system keeps no modes, ${MOUNT_MODES}.`
          : `It belongs to user ${uid}: name a folder inside it in ${use.setting}, which the server makes for its own user.`
      }`,
    )
  }
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await folder.chmod(0o700).catch((error: unknown) => {
      if (codeOf(error) === 'EROFS') throw readOnly(path, use)
    })
    const stats = await folder.stat()
    if ((stats.mode & OTHERS_WRITE) !== 0) {
      throw writable(
        `Group ${gid} can write to ${path}, and its file system does not allow changing the mode: ${MOUNT_MODES}.`,
      )
    }
    use.warn(
      `Group ${gid} could write to ${path}, so its mode was set to 0700. If a volume sets modes at each mount, ` +
        'tell it not to: on Kubernetes, fsGroupChangePolicy: OnRootMismatch.',
    )
    return stats
  } finally {
    await folder.close()
  }
}

function refusalOf(error: unknown, path: string, use: FolderUse): CredentialVaultError {
  return codeOf(error) === 'EROFS' ? readOnly(path, use) : notPermitted(path, use)
}

function readOnly(path: string, { holds, setting }: FolderUse): CredentialVaultError {
  return new CredentialVaultError(
    'unavailable',
    `The ${holds} cannot be written to ${path}: its file system is read-only. Mount it writable, or name a folder on a writable volume in ${setting}.`,
    { reason: 'read_only' },
  )
}

function notPermitted(path: string, { holds, setting }: FolderUse): CredentialVaultError {
  return new CredentialVaultError(
    'forbidden',
    `The ${holds} cannot be written to ${path}: this user has no permission. Give the folder to the user that runs the server, or name another in ${setting}.`,
    { reason: 'permission' },
  )
}

function notAFolder(path: string, { holds, setting }: FolderUse): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    `${path} is not a folder. Name a separate folder for the ${holds} in ${setting}.`,
    { reason: 'folder_not_a_directory' },
  )
}

function writable(message: string): CredentialVaultError {
  return new CredentialVaultError('configuration_invalid', message, { reason: 'folder_writable' })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
