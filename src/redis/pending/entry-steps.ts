import { BoundedMap } from '../../core/host/bounded-map.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type {
  OpenedEntry,
  PendingEntry,
  PendingKey,
  PendingOutcome,
  StoredEntry,
} from '../../core/ports/pending-store.ts'
import type { RedisConnection } from '../connection/redis-connection.ts'
import { closedError } from '../connection/redis-problem.ts'
import type { RedisScript } from '../connection/redis-script.ts'
import * as scripts from './entry-scripts.ts'
import { storedEntries } from './stored-entries.ts'

/** Milliseconds. A claim may outlast its entry, and the pointer is kept as long as any claim. */
const POINTER_OUTLASTS = 120_000
/** Pointers that this process remembers, so that it does not ask Redis for them again. */
const MOST_POINTERS = 20_000
/** Waiting calls of one owner, for a caller that sets no limit. */
const MOST_WAITING = 1_000_000

const STEPS = {
  claim: scripts.CLAIM,
  unclaim: scripts.UNCLAIM,
  close: scripts.CLOSE,
  closeUnlessAwaited: scripts.CLOSE_UNLESS_AWAITED,
  leave: scripts.LEAVE,
} as const

export interface EntryLimits {
  readonly maxEntries: number
  readonly maxOpenPerOwner: number
}

/** The steps of entries: finds the owner of an entry's key, and runs the script where the owner's keys are. */
export interface EntrySteps {
  insert(entry: PendingEntry, waiterId?: string, mostWaiting?: number): Promise<OpenedEntry>
  get(key: PendingKey, waiterId?: string, owners?: readonly string[]): Promise<StoredEntry | undefined>
  /** Returns the first key of the entry's owner. Undefined for an entry that this process has neither inserted nor read. */
  rootOf(key: PendingKey): string | undefined
  /** Runs a step with the script's arguments after the key. Resolves whether it was done; false for an entry that is not stored. */
  runStep(step: keyof typeof STEPS, key: PendingKey, ...given: readonly (string | number)[]): Promise<boolean>
  closeAll(owner: string, outcome: PendingOutcome): Promise<readonly StoredEntry[]>
  /** Makes every later step fail. */
  close(): void
}

export function createEntrySteps(
  redis: Pick<RedisConnection, 'prefix' | 'isCluster' | 'run'>,
  { maxEntries, maxOpenPerOwner }: EntryLimits,
): EntrySteps {
  const { prefix, isCluster } = redis
  const owners = new BoundedMap<PendingKey, string>(MOST_POINTERS)
  const pointerKey = (key: PendingKey) => `${prefix}at:${key}`
  const rootKey = (owner: string) => `${prefix}{${owner}}`
  let isClosed = false

  async function run(
    script: RedisScript,
    keys: readonly [string, ...string[]],
    ...given: readonly (string | number)[]
  ): Promise<readonly string[]> {
    if (isClosed) throw closedError()
    return redis.run(script, { keys, arguments: given.map(String), acknowledged: script === scripts.CLAIM })
  }

  function keysOf(owner: string): readonly [string, ...string[]] {
    const root = rootKey(owner)
    return isCluster ? [root] : [root, `${prefix}all`]
  }

  async function ownerOf(key: PendingKey): Promise<string | undefined> {
    const known = owners.get(key)
    if (known !== undefined) return known
    const [found, owner] = await run(scripts.FOLLOW, [pointerKey(key)])
    if (found !== 'at' || owner === undefined) return undefined
    owners.set(key, owner)
    return owner
  }

  return {
    async insert(entry, waiterId = '', mostWaiting = MOST_WAITING) {
      const { key, slot, owner, sealed, expiresAt, keepUntil } = entry
      await run(scripts.POINT, [pointerKey(key)], owner, keepUntil + POINTER_OUTLASTS)
      const given = [key, slot, sealed, expiresAt, keepUntil, waiterId, scripts.LEASE_MILLISECONDS]
      const limits = [maxOpenPerOwner, maxEntries, mostWaiting]
      const answer = await run(scripts.OPEN, keysOf(owner), ...given, ...limits)
      const [stored] = storedEntries(answer, owner)
      // If the slot had an entry, the new key leads nowhere. The pointer also lapses by itself.
      if (stored?.key !== key) void run(scripts.UNPOINT, [pointerKey(key)]).catch(() => undefined)
      if (!stored) return full(answer[0])
      // An entry that was in the slot already may have been put there by whoever writes to Redis: its pointer is the proof.
      if (stored.key === key) owners.set(key, owner)
      return answer.at(-1) === 'may_not_wait' ? { ...stored, mayNotWait: true } : stored
    },

    async get(key, waiterId = '', askers = undefined) {
      const found = async (owner: string) =>
        storedEntries(await run(scripts.GET, keysOf(owner), key, waiterId, scripts.LEASE_MILLISECONDS), owner)[0]
      if (!askers) {
        const owner = await ownerOf(key)
        return owner === undefined ? undefined : found(owner)
      }
      // Without the pointer, whose answer comes later for an entry that exists.
      const own = (await Promise.all(askers.map(found))).find((entry) => entry !== undefined)
      if (own) owners.set(key, own.owner)
      return own
    },

    rootOf(key) {
      const owner = owners.get(key)
      return owner === undefined ? undefined : rootKey(owner)
    },

    async runStep(step, key, ...given) {
      const owner = await ownerOf(key)
      if (owner === undefined) return false
      return (await run(STEPS[step], keysOf(owner), key, ...given))[0] === 'yes'
    },

    async closeAll(owner, outcome) {
      return storedEntries(await run(scripts.CLOSE_ALL, keysOf(owner), outcome), owner)
    },

    close() {
      isClosed = true
      owners.clear()
    },
  }
}

function full(answer: string | undefined): never {
  const [reason, text] =
    answer === 'owner_full'
      ? ([
          'owner_full',
          'You have too many open credential requests. Finish or cancel one of them, or wait until they expire.',
        ] as const)
      : (['store_full', 'Too many credential requests are open. Try again in a few minutes.'] as const)
  throw new CredentialVaultError('pending_store_full', text, { reason, retryable: true })
}
