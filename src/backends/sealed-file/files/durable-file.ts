import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from './storage-error.ts'

/** Exceeds every record and keyring, and keeps a planted giant file out of memory. */
export const MAX_FILE_BYTES = 65_536

const TEMPORARY_NAME = /^[0-9a-f]{24}\.tmp$/
const TEMPORARY_LIFE_MS = 3_600_000

/** fsync occupies a libuv thread for milliseconds, and DNS and scrypt share the same four. */
const inSyncSlot = createSlots(2)

export type FileContent =
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly changedAt: Date }
  | { readonly kind: 'missing' }
  /** A link, device, folder or giant file in place of one of ours. */
  | { readonly kind: 'foreign' }

/** Reads a small file without following a symbolic link or waiting for a writer of a planted FIFO. */
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

/** Writes a complete, durable file under a random name. The name is not durable: the caller that links it must sync that folder. */
export async function createTemporary(folder: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, `${randomBytes(12).toString('hex')}.tmp`)
  const file = await open(path, 'wx', 0o600)
  try {
    try {
      await file.writeFile(bytes)
      // fsync is never repeated on a descriptor: after an error it may succeed although the bytes are lost.
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

/** Empties a file and keeps its name, without needing free space. Anything but a plain file is not ours and stays as it is. */
export async function emptyFile(path: string, durably: boolean): Promise<void> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    // Following a link would empty another file.
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

/**
 * Durably replaces the content of an existing small file with what `changed` returns for it; undefined leaves it as it is. It writes to the
 * file that it has read. If that name is removed or replaced meanwhile, the removal or the replacement stays.
 */
export async function changeFile(path: string, changed: (bytes: Buffer) => Buffer | undefined): Promise<void> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'EISDIR' || isForeign(errno)) return
    throw error
  }
  try {
    const stats = await file.stat()
    if (!stats.isFile() || stats.size > MAX_FILE_BYTES) return
    const bytes = changed(await file.readFile())
    if (!bytes) return
    // In one write, so that no reader and no killed process finds half of it.
    await file.write(bytes, 0, bytes.length, 0)
    await file.truncate(bytes.length)
    await inSyncSlot(() => file.sync())
  } finally {
    await file.close()
  }
}

export async function removeQuietly(path: string): Promise<void> {
  await unlink(path).catch(() => {})
}

/** Removes files that a crash left behind, but none that another process is writing. */
export async function sweepTemporaries(folder: string): Promise<void> {
  const names = await readdir(folder)
  for (const name of names.filter((candidate) => TEMPORARY_NAME.test(candidate))) {
    const path = join(folder, name)
    const stats = await lstat(path).catch(() => undefined)
    if (stats && Date.now() - stats.ctimeMs > TEMPORARY_LIFE_MS) await removeQuietly(path)
  }
}

/** Error codes of links, sockets and FIFOs without a reader. */
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
