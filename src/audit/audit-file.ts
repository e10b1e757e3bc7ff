import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

/** One file that one writer appends to. */
export interface AuditFile {
  /** 16 hex digits, random. Also in the file's name, so that no two writers share a file. */
  readonly writer: string
  readonly name: string
  /** False once the descriptor cannot be trusted any more. Then a new file has to be opened. */
  isUsable(): boolean
  /** Whether the file is still there under its name, and as long as what was written to it. */
  isIntact(): Promise<boolean>
  /** Durable when it resolves. When it rejects, the file ends where it ended before, or is no longer usable. */
  append(bytes: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** Makes the folder if it is missing and a new file in it, both durable and for this user alone. Rejects with the system's error. */
export async function createAuditFile(folder: string): Promise<AuditFile> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  const writer = randomBytes(8).toString('hex')
  const name = `audit-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}Z-${writer}.jsonl`
  const path = join(folder, name)
  // O_EXCL also refuses a link that somebody put there.
  const handle = await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await syncFolders(folder, made)
    return fileOf(handle, { writer, name, path, inode: (await handle.stat()).ino })
  } catch (error) {
    await handle.close().catch(ignore)
    await unlink(path).catch(ignore)
    throw error
  }
}

function fileOf(
  handle: FileHandle,
  { writer, name, path, inode }: { writer: string; name: string; path: string; inode: number },
): AuditFile {
  let length = 0
  let usable = true

  async function undo(): Promise<void> {
    try {
      await handle.truncate(length)
    } catch {
      usable = false
    }
  }

  async function isIntact(): Promise<boolean> {
    try {
      const [ours, named] = await Promise.all([handle.stat(), stat(path)])
      return ours.nlink > 0 && ours.size === length && named.ino === inode && named.dev === ours.dev
    } catch {
      return false
    }
  }

  return {
    writer,
    name,
    isUsable: () => usable,
    isIntact,

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
        // The kernel reports a lost page once and then forgets it: a later success on this descriptor would mean nothing.
        usable = false
        await undo()
        throw error
      }
      length += bytes.length
    },

    async close() {
      usable = false
      // Failing disks would otherwise leave one empty file for every attempt.
      const isEmpty = length === 0 && (await isIntact())
      await handle.close().catch(ignore)
      if (isEmpty) await unlink(path).catch(ignore)
    },
  }
}

/** `topmost` is the first folder that had to be made: its own entry, too, has to survive a crash. */
async function syncFolders(folder: string, topmost: string | undefined): Promise<void> {
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
