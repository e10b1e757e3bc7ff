import type { AwaitedEntry } from '../../core/ports/pending-store.ts'
import { keySlot } from '../connection/key-slot.ts'
import type { RedisConnection } from '../connection/redis-connection.ts'
import { isAway } from '../connection/redis-problem.ts'
import { LEASE_MILLISECONDS, LOOK } from './entry-scripts.ts'

/** A waiting call whose owner's keys are known. */
export interface OwnedCall extends AwaitedEntry {
  /** `{prefix}{owner}`, below which the owner's keys are. */
  readonly root: string
}

/** Looks at the entries of many waiting calls at once, and keeps those calls counted. */
export interface EntryLooks {
  /** Splits calls into batches, each of which one script can look at. */
  batches<C extends OwnedCall>(calls: readonly C[]): readonly (readonly C[])[]
  /** Resolves to those of a batch that have to look for themselves. Resolves undefined while Redis is away. */
  unsure<C extends OwnedCall>(batch: readonly C[]): Promise<readonly C[] | undefined>
}

/** Redis serves nobody else while a script runs: about a millisecond for so many. */
const MOST_IN_BATCH = 100

export function createEntryLooks({ run, isCluster }: Pick<RedisConnection, 'run' | 'isCluster'>): EntryLooks {
  return {
    batches(calls) {
      // A script may only use keys of one slot.
      return isCluster ? bySlot(calls).flatMap(parts) : parts(calls)
    },

    async unsure(batch) {
      const [first, ...others] = batch.map(({ root }) => root)
      if (first === undefined) return []
      const given = batch.flatMap(({ key, waiterId = '' }) => [key, waiterId])
      try {
        const answer = await run(LOOK, { keys: [first, ...others], arguments: [String(LEASE_MILLISECONDS), ...given] })
        return unsureIn(answer, batch)
      } catch (error) {
        if (isAway(error)) return undefined
        // One call's keys may be at fault. Each finds out for itself, and whoever is refused is told why.
        return batch
      }
    },
  }
}

function bySlot<C extends OwnedCall>(calls: readonly C[]): readonly (readonly C[])[] {
  const slots = new Map<number, C[]>()
  for (const call of calls) {
    const slot = keySlot(call.root)
    const others = slots.get(slot)
    if (others) others.push(call)
    else slots.set(slot, [call])
  }
  return [...slots.values()]
}

function parts<C>(calls: readonly C[]): readonly (readonly C[])[] {
  const count = Math.ceil(calls.length / MOST_IN_BATCH)
  return Array.from({ length: count }, (_, at) => calls.slice(at * MOST_IN_BATCH, (at + 1) * MOST_IN_BATCH))
}

/** An answer that makes no sense says nothing about any call. */
function unsureIn<C>([first, ...positions]: readonly string[], batch: readonly C[]): readonly C[] {
  const found = positions.map((position) => batch[Number(position) - 1])
  const isSound = first === 'looked' && found.every((call) => call !== undefined)
  return isSound ? found : batch
}
