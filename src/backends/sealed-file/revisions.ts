import { existsSync, statSync } from 'node:fs'
import { link, lstat, mkdir, readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../../core/model/deadline.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import {
  createTemporary,
  emptyFile,
  type FileContent,
  readSmallFile,
  removeQuietly,
  syncFolder,
} from './durable-file.ts'
import { errnoOf } from './storage-error.ts'

/**
 * The files of a store's credentials: `records/<3 hex digits>/<id>.<revision>`. A revision is committed by link(2), which fails when
 * the name exists, so that of all writers in all processes one wins and nobody needs a lock.
 *
 * A name that has been used stays taken for `holdMs`, and a writer that looked longer than half of that ago has to look again. Otherwise
 * a slow writer could link a revision whose name was freed meanwhile, and believe that it won.
 */
export interface Revisions {
  /** Ascending numbers of the revisions that exist, and when they were looked up. */
  look(id: string): Promise<RevisionListing>
  read(id: string, revision: number): Promise<FileContent>
  /**
   * Whether nothing has been committed after this revision, nor has it been emptied. Holds for revisions seen less than `holdMs` ago:
   * their successors' names cannot have been freed yet.
   */
  isNewest(id: string, revision: number): boolean
  /** Durable when it resolves true. False when another writer has that revision or the listing is too old: look again. */
  commit(listing: RevisionListing, revision: number, bytes: Buffer, signal?: AbortSignal): Promise<boolean>
  /** Makes names durable that may have been linked by somebody who crashed before syncing them. */
  settle(id: string): Promise<void>
  /** Empties revisions durably. Needs no free space. */
  shred(id: string, revisions: readonly number[]): Promise<void>
  /** Empties what is older than the last two revisions, and frees a few names that were held long enough. Failures wait for the next time. */
  prune(listing: RevisionListing): Promise<void>
  /** Every id in the store, folder by folder. Fails when there is no store. */
  ids(): AsyncIterable<string>
  path(id: string, revision: number | '*'): string
}

export interface RevisionListing {
  readonly id: string
  readonly revisions: readonly number[]
  /** 0 when there is none. */
  readonly newest: number
  readonly wallTime: number
  readonly monotonicTime: number
}

const DEFAULT_HOLD_MS = 600_000
const NAMES_PRUNED_PER_WRITE = 8
/** Of at most twelve digits, so that no planted name makes the next number inexact. */
export const MAX_REVISION = 999_999_999_999
const FILE_NAME = /^([0-9a-f]{40})\.([1-9][0-9]{0,11})$/
const SHARD_NAME = /^[0-9a-f]{3}$/

export function createRevisions(root: string, holdMs = DEFAULT_HOLD_MS): Revisions {
  const records = join(root, 'records')
  const temporaries = join(root, 'tmp')
  const durableShards = new Set<string>()

  const shardOf = (id: string) => join(records, id.slice(0, 3))
  const path = (id: string, revision: number | '*') => join(shardOf(id), `${id}.${revision}`)

  async function ensureShard(id: string): Promise<void> {
    const shard = shardOf(id)
    if (durableShards.has(shard)) return
    await mkdir(shard, { mode: 0o700 }).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error
    })
    // Also for a folder that exists already: whoever made it may not have come to this line.
    await syncFolder(records)
    durableShards.add(shard)
  }

  return {
    path,

    async look(id) {
      const wallTime = Date.now()
      const monotonicTime = performance.now()
      const names = await namesIn(shardOf(id))
      // With the volume unmounted every credential would look as if it had never been saved.
      if (names.length === 0) await stat(records)
      const revisions = names
        .filter((name) => name.startsWith(id))
        .flatMap((name) => FILE_NAME.exec(name)?.[2] ?? [])
        .map(Number)
        .sort((a, b) => a - b)
      return { id, revisions, newest: revisions.at(-1) ?? 0, wallTime, monotonicTime }
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

    async prune({ id, revisions }) {
      const surplus = revisions.slice(0, -1).map((revision) => path(id, revision))
      try {
        const last = surplus.at(-1)
        if (last !== undefined) await emptyFile(last, false)
        // Every write empties what it leaves behind; only one that was interrupted leaves more.
        for (const earlier of surplus.slice(0, -1).reverse()) {
          if ((await lstat(earlier)).size === 0) break
          await emptyFile(earlier, false)
        }
        for (const oldest of surplus.slice(0, NAMES_PRUNED_PER_WRITE)) {
          if (!(await release(oldest, holdMs))) break
        }
      } catch {
        // The write that this follows is durable and has to be acknowledged.
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

/** The larger of two clocks: one stands still while the machine sleeps, the other may be set. */
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

/** link(2). False when the name is taken. */
export async function linkOnce(temporary: string, target: string): Promise<boolean> {
  try {
    await link(temporary, target)
    return true
  } catch (error) {
    // A network file system may lose the answer and report our own success as a failure.
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
          `The file system that holds ${target} refuses hard links, which the sealed file needs. Use a folder on a local ext4, xfs, btrfs, apfs or tmpfs.`,
          { reason: 'no_hard_links' },
        )
      default:
        throw error
    }
  }
}

/** A count of links would not tell: backup tools give our files names of their own. */
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

/** Frees the name of an emptied revision that was held long enough. False when it was not. */
async function release(path: string, holdMs: number): Promise<boolean> {
  const stats = await lstat(path)
  if (stats.size > 0 || Date.now() - stats.ctimeMs <= holdMs) return false
  await unlink(path)
  return true
}
