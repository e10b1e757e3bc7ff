import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from './storage-error.ts'

/** More than any record or keyring has, so that a planted giant is not read into memory. */
export const MAX_FILE_BYTES = 65_536

const TEMPORARY_NAME = /^[0-9a-f]{24}\.tmp$/
const TEMPORARY_LIFE_MS = 3_600_000

/** fsync keeps a libuv thread for milliseconds; DNS and scrypt live on the same four. */
const inSyncSlot = createSlots(2)

export type FileContent =
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly changedAt: Date }
  | { readonly kind: 'missing' }
  /** A link, device, folder or giant where a file of ours should be. */
  | { readonly kind: 'foreign' }

/** Reads a small file. Follows no symbolic link and does not wait for the other end of a planted FIFO. */
export async function readSmallFile(path: string): Promise<FileContent> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT') return { kind: 'missing' }
    if (isForeign(errno)) return { kind: 'foreign' }
    throw error
  }
  try {
    const stats = await file.stat()
    if (!stats.isFile() || stats.size > MAX_FILE_BYTES) return { kind: 'foreign' }
    const bytes = Buffer.alloc(stats.size)
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return { kind: 'bytes', bytes: bytes.subarray(0, filled), changedAt: stats.ctime }
  } finally {
    await file.close()
  }
}

/** Writes a new file with a random name, whole and durable. Its name is not: whoever links it syncs that folder. */
export async function createTemporary(folder: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, `${randomBytes(12).toString('hex')}.tmp`)
  const file = await open(path, 'wx', 0o600)
  try {
    try {
      await file.writeFile(bytes)
      // Never twice on one descriptor: after an error a second fsync may succeed although the bytes are gone.
      await inSyncSlot(() => file.sync())
    } finally {
      await file.close()
    }
  } catch (error) {
    await removeQuietly(path)
    throw error
  }
  return path
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await inSyncSlot(() => folder.sync())
  } finally {
    await folder.close()
  }
}

/** Empties a file and keeps its name. Needs no free space. What is no plain file holds nothing of ours and is left alone. */
export async function emptyFile(path: string, durably: boolean): Promise<void> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    // A followed link would empty somebody else's file.
    file = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'EISDIR' || isForeign(errno)) return
    throw error
  }
  try {
    if (!(await file.stat()).isFile()) return
    await file.truncate(0)
    if (durably) await inSyncSlot(() => file.sync())
  } finally {
    await file.close()
  }
}

export async function removeQuietly(path: string): Promise<void> {
  await unlink(path).catch(() => {})
}

/** Removes what a crash left behind, never the file that another process is writing right now. */
export async function sweepTemporaries(folder: string): Promise<void> {
  const names = await readdir(folder)
  for (const name of names.filter((candidate) => TEMPORARY_NAME.test(candidate))) {
    const path = join(folder, name)
    const stats = await lstat(path).catch(() => undefined)
    if (stats && Date.now() - stats.ctimeMs > TEMPORARY_LIFE_MS) await removeQuietly(path)
  }
}

/** How a link, a socket or a FIFO without a reader answers. */
function isForeign(errno: string | undefined): boolean {
  return errno === 'ELOOP' || errno === 'ENXIO' || errno === 'ENOTDIR'
}

function createSlots(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = count
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}
