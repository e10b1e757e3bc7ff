import { existsSync, statSync } from 'node:fs'
import { link, lstat, mkdir, readdir, rename, stat, unlink } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { throwIfAborted } from '../../core/host/deadline.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import {
  changeFile,
  createTemporary,
  emptyFile,
  type FileContent,
  readSmallFile,
  removeQuietly,
  syncFolder,
} from './files/durable-file.ts'
import { errnoOf } from './files/storage-error.ts'

/**
 * The files of a store's credentials: `records/<3 hex digits>/<id>.<revision>`. A revision is committed by link(2), which fails when the
 * name exists, so that one writer of all processes wins without a lock.
 *
 * A used name stays taken for `holdMs`, and a writer whose listing is older than half of that must list again. Otherwise a slow writer
 * could link a revision whose name was freed meanwhile, and assume that it won.
 */
export interface Revisions {
  /** Lists the numbers of the existing revisions in ascending order, with the time of the listing. */
  look(id: string): Promise<RevisionListing>
  read(id: string, revision: number): Promise<FileContent>
  /**
   * Whether this revision is the newest and has not been emptied. Reliable for revisions listed less than `holdMs` ago, because the names
   * of their successors cannot have been freed yet.
   */
  isNewest(id: string, revision: number): boolean
  /** Resolves to true once durable, or to false when another writer has that revision or the listing is too old: list again. */
  commit(listing: RevisionListing, revision: number, bytes: Buffer, signal?: AbortSignal): Promise<boolean>
  /** Reads, replaces or removes the mark beside a version. Both changes are durable when they resolve. */
  readonly marks: MarkFiles
  /** Makes names durable whose writer may have crashed before syncing them. */
  settle(id: string): Promise<void>
  /** Empties revisions durably, without needing free space. */
  shred(id: string, revisions: readonly number[]): Promise<void>
  /**
   * Empties all but the last two revisions, frees a few names that were held long enough, and removes the marks of earlier versions. The
   * next call retries failures.
   */
  prune(listing: RevisionListing): Promise<void>
  /** Yields every id in the store, folder by folder. Fails when there is no store. */
  ids(): AsyncIterable<string>
  path(id: string, revision: number | '*'): string
}

/** The files `<id>.<version>.rejected`, of which a listing of revisions takes no notice. */
export interface MarkFiles {
  /** Whether there is one, valid or not. */
  exists(id: string, version: number): boolean
  read(id: string, version: number): Promise<FileContent>
  write(id: string, version: number, bytes: Buffer): Promise<void>
  /** Replaces the content of an existing mark, as `changeFile` does: a mark that is removed meanwhile is not made again. */
  change(id: string, version: number, changed: (bytes: Buffer) => Buffer | undefined): Promise<void>
  remove(id: string, version: number): Promise<void>
  path(id: string, version: number): string
}

export interface RevisionListing {
  readonly id: string
  readonly revisions: readonly number[]
  /** Numbers of the versions that have a mark. */
  readonly marks: readonly number[]
  /** 0 when there is none. */
  readonly newest: number
  readonly wallTime: number
  readonly monotonicTime: number
}

export const HOLD_MS = 600_000
const NAMES_PRUNED_PER_WRITE = 8
/** At most twelve digits, so that no planted name makes the next number inexact. */
export const MAX_REVISION = 999_999_999_999
const FILE_NAME = /^([0-9a-f]{40})\.([1-9][0-9]{0,11})$/
const MARK_NAME = /^[0-9a-f]{40}\.([1-9][0-9]{0,11})\.rejected$/
const SHARD_NAME = /^[0-9a-f]{3}$/

export function createRevisions(root: string, holdMs = HOLD_MS): Revisions {
  const records = join(root, 'records')
  const temporaries = join(root, 'tmp')
  const durableShards = new Set<string>()

  const shardOf = (id: string) => `${records}${sep}${id.slice(0, 3)}`
  const path = (id: string, revision: number | '*') => `${shardOf(id)}${sep}${id}.${revision}`

  async function ensureShard(id: string): Promise<void> {
    const shard = shardOf(id)
    if (durableShards.has(shard)) return
    await mkdir(shard, { mode: 0o700 }).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error
    })
    // Sync existing folders too: their creator may have crashed first.
    await syncFolder(records)
    durableShards.add(shard)
  }

  const marks: MarkFiles = {
    path: (id, version) => `${path(id, version)}.rejected`,
    exists: (id, version) => existsSync(marks.path(id, version)),
    read: (id, version) => readSmallFile(marks.path(id, version)),
    async write(id, version, bytes) {
      const temporary = await createTemporary(temporaries, bytes)
      try {
        await rename(temporary, marks.path(id, version))
      } catch (error) {
        await removeQuietly(temporary)
        throw error
      }
      await syncFolder(shardOf(id))
    },
    change: (id, version, changed) => changeFile(marks.path(id, version), changed),
    async remove(id, version) {
      await unlink(marks.path(id, version)).catch((error: unknown) => {
        if (errnoOf(error) !== 'ENOENT') throw error
      })
      await syncFolder(shardOf(id))
    },
  }

  return {
    path,
    marks,

    async look(id) {
      const wallTime = Date.now()
      const monotonicTime = performance.now()
      const names = await namesIn(shardOf(id))
      // If the volume is not mounted, this fails. Otherwise every credential would look absent.
      if (names.length === 0) await stat(records)
      const own = names.filter((name) => name.startsWith(id))
      const revisions = own
        .flatMap((name) => FILE_NAME.exec(name)?.[2] ?? [])
        .map(Number)
        .sort((a, b) => a - b)
      const marked = own.flatMap((name) => MARK_NAME.exec(name)?.[1] ?? []).map(Number)
      return { id, revisions, marks: marked, newest: revisions.at(-1) ?? 0, wallTime, monotonicTime }
    },

    read: (id, revision) => readSmallFile(path(id, revision)),

    isNewest(id, revision) {
      const file = statSync(path(id, revision), { throwIfNoEntry: false })
      return file !== undefined && file.size > 0 && !existsSync(path(id, revision + 1))
    },

    async commit(listing, revision, bytes, signal) {
      const { id } = listing
      await ensureShard(id)
      const temporary = await createTemporary(temporaries, bytes)
      try {
        throwIfAborted(signal)
        if (ageOf(listing) > holdMs / 2) return false
        if (!(await linkOnce(temporary, path(id, revision)))) return false
        await syncFolder(shardOf(id))
        return true
      } finally {
        await removeQuietly(temporary)
      }
    },

    settle: (id) => syncFolder(shardOf(id)),

    async shred(id, revisions) {
      for (const revision of revisions) await emptyFile(path(id, revision), true)
    },

    async prune({ id, revisions, marks: outdated }) {
      const surplus = revisions.slice(0, -1).map((revision) => path(id, revision))
      for (const version of outdated) await removeQuietly(marks.path(id, version))
      try {
        const last = surplus.at(-1)
        if (last !== undefined) await emptyFile(last, false)
        // Every write empties its predecessor, so more than one is left only after an interrupted write.
        for (const earlier of surplus.slice(0, -1).reverse()) {
          if ((await lstat(earlier)).size === 0) break
          await emptyFile(earlier, false)
        }
        for (const oldest of surplus.slice(0, NAMES_PRUNED_PER_WRITE)) {
          if (!(await release(oldest, holdMs))) break
        }
      } catch {
        // The preceding write is durable and must be acknowledged.
      }
    },

    async *ids() {
      const shards = await readdir(records)
      for (const shard of shards.filter((name) => SHARD_NAME.test(name))) {
        const names = await namesIn(join(records, shard))
        const ids = names.flatMap((name) => FILE_NAME.exec(name)?.[1] ?? []).filter((id) => id.startsWith(shard))
        yield* new Set(ids)
      }
    },
  }
}

/** Uses the larger of two clocks: one stops while the machine sleeps, the other may be set back. */
function ageOf(listing: RevisionListing): number {
  return Math.max(Date.now() - listing.wallTime, performance.now() - listing.monotonicTime)
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}

/** Links a file under its final name with link(2). Returns false when the name is taken. */
export async function linkOnce(temporary: string, target: string): Promise<boolean> {
  try {
    await link(temporary, target)
    return true
  } catch (error) {
    // A network file system may lose the answer and report success as failure.
    if (await isSameFile(temporary, target)) return true
    switch (errnoOf(error)) {
      case 'EEXIST':
        return false
      case 'EPERM':
      case 'ENOTSUP':
      case 'EOPNOTSUPP':
      case 'ENOSYS':
        throw new CredentialVaultError(
          'configuration_invalid',
          `The file system that holds ${target} does not support hard links, which the sealed file needs. Use a folder on a local ext4, xfs, btrfs, apfs or tmpfs.`,
          { reason: 'no_hard_links' },
        )
      default:
        throw error
    }
  }
}

/** Compares inodes. The number of links proves nothing, because backup tools add names to our files. */
async function isSameFile(temporary: string, target: string): Promise<boolean> {
  const ours = await lstat(temporary, { bigint: true })
  try {
    const named = await lstat(target, { bigint: true })
    return named.ino === ours.ino && named.dev === ours.dev
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}

/** Frees the name of an emptied revision. Returns false when it was not held long enough. */
async function release(path: string, holdMs: number): Promise<boolean> {
  const stats = await lstat(path)
  if (stats.size > 0 || Date.now() - stats.ctimeMs <= holdMs) return false
  await unlink(path)
  return true
}
