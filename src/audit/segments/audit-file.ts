import { randomBytes } from 'node:crypto'
import { constants, fstatSync, readdirSync, type Stats, statSync } from 'node:fs'
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { WriterFailure } from '../line/log-events.ts'
import { parseSegmentName, restoredName } from './segment-name.ts'

/** One file that one writer appends to. */
export interface AuditFile {
  readonly name: string
  /** Bytes that are durable. */
  readonly length: number
  /** Returns why nothing more can be written, or undefined while the file has its name and exactly the length that was written. */
  failure(): WriterFailure | undefined
  /**
   * Resolves once the bytes are durable and the file was checked to be still there. When it rejects, the file either ends where it ended
   * before or can no longer be used.
   */
  append(bytes: Uint8Array): Promise<void>
  /**
   * Copies the content of a deleted file into a new one, since the bytes exist as long as the descriptor is open. Does nothing when
   * nothing would be lost. Rejects with the system's error.
   */
  restore(): Promise<void>
  close(): Promise<void>
}

const COPIED_AT_ONCE = 1024 * 1024

/**
 * Creates the folder if it is missing, and a new file in it. Both are durable and private to this user. Rejects with the system's error.
 */
export async function createAuditFile(folder: string, name: string): Promise<AuditFile> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  const handle = await openNew(join(folder, name))
  try {
    await syncFolders(folder, made)
    return fileOf(handle, folder, name)
  } catch (error) {
    await handle.close().catch(ignore)
    await unlink(join(folder, name)).catch(ignore)
    throw error
  }
}

// O_EXCL also refuses a planted link. The file is opened for reading as well, so that it can be restored.
function openNew(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL, 0o600)
}

function fileOf(handle: FileHandle, folder: string, name: string): AuditFile {
  const path = join(folder, name)
  const { ino, dev } = fstatSync(handle.fd)
  let length = 0
  let failed: WriterFailure | undefined
  let isClosed = false

  async function undo(): Promise<void> {
    try {
      await handle.truncate(length)
    } catch {
      failed ??= 'write_failed'
    }
  }

  /** Takes some microseconds, so it is affordable before each acknowledgement. */
  function look(): WriterFailure | undefined {
    const ours = fstatSync(handle.fd)
    if (ours.size < length) return 'truncated'
    if (ours.size > length) return 'changed'
    const named = statSync(path, { throwIfNoEntry: false })
    if (!named) return 'deleted'
    return named.ino === ino && named.dev === dev ? undefined : 'replaced'
  }

  /** Whether the file under the name is ours and unchanged. */
  function isOurs(): boolean {
    try {
      return look() === undefined
    } catch {
      return false
    }
  }

  return {
    name,
    get length() {
      return length
    },

    failure() {
      if (failed || isClosed) return failed ?? 'write_failed'
      try {
        failed = look()
      } catch {
        failed = 'write_failed'
      }
      return failed
    },

    async append(bytes) {
      try {
        for (let written = 0; written < bytes.length; ) {
          const { bytesWritten } = await handle.write(bytes, written)
          if (bytesWritten === 0) throw new Error('nothing was written')
          written += bytesWritten
        }
      } catch (error) {
        await undo()
        throw error
      }
      try {
        await handle.datasync()
      } catch (error) {
        // The kernel reports a lost page only once. A later success on this descriptor would prove nothing.
        failed = 'sync_failed'
        await undo()
        throw error
      }
      length += bytes.length
      if (this.failure()) await this.restore()
    },

    async restore() {
      // A renamed file in the folder is still part of the log.
      if (length === 0 || isClosed || isInFolder(folder, fstatSync(handle.fd))) return
      const copy = join(folder, restoredName(name, randomBytes(4).toString('hex')))
      const target = await openNew(copy)
      try {
        await copyAll(handle, target, length)
        await target.sync()
        await syncFolders(folder, undefined)
      } catch (error) {
        await unlink(copy).catch(ignore)
        throw error
      } finally {
        await target.close().catch(ignore)
      }
      length = 0
    },

    async close() {
      if (isClosed) return
      // A failing disk would otherwise leave one empty file per attempt.
      const isEmpty = length === 0 && isOurs()
      isClosed = true
      await handle.close().catch(ignore)
      if (isEmpty) await unlink(path).catch(ignore)
    },
  }
}

function isInFolder(folder: string, { nlink, ino, dev }: Stats): boolean {
  if (nlink === 0) return false
  return readdirSync(folder).some((name) => {
    if (!parseSegmentName(name)) return false
    const other = statSync(join(folder, name), { throwIfNoEntry: false })
    return other?.ino === ino && other.dev === dev
  })
}

async function copyAll(from: FileHandle, to: FileHandle, length: number): Promise<void> {
  const buffer = Buffer.alloc(Math.min(length, COPIED_AT_ONCE))
  for (let position = 0; position < length; ) {
    const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, length - position), position)
    if (bytesRead === 0) throw new Error('the file is shorter than what was written')
    await to.appendFile(buffer.subarray(0, bytesRead))
    position += bytesRead
  }
}

/**
 * Syncs the folder and its parents up to the one that holds `topmost`, the first folder that was created: its entry must survive a crash.
 */
export async function syncFolders(folder: string, topmost: string | undefined): Promise<void> {
  const last = topmost === undefined ? resolve(folder) : dirname(resolve(topmost))
  for (let current = resolve(folder); ; current = dirname(current)) {
    const handle = await open(current, constants.O_RDONLY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (current === last || current === dirname(current)) return
  }
}

function ignore(): void {}
