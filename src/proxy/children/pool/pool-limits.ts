import { totalmem } from 'node:os'
import { z } from 'zod'
import { type OptionSchemas, parseOptions } from '../../../core/model/options.ts'

/** How many children there may be, and for how long. */
export interface PoolLimits {
  /** Children of one owner, those that start included. Default 8. */
  readonly childrenPerOwner?: number
  /** Children in all. Default 100. */
  readonly children?: number
  /** Resident memory of one owner's children, in bytes, on Linux. Above it, the largest of them is ended. Default 2 GiB. */
  readonly bytesPerOwner?: number
  /** Resident memory of all children, in bytes, on Linux. Above it, none is started. Default half of the machine's or container's. */
  readonly bytes?: number
  /** Milliseconds between two measurements of memory. Default 5000. */
  readonly measureEvery?: number
  /** Milliseconds without a message, or a call in flight, after which a child is ended. Default 300000, which is 5 minutes. */
  readonly idle?: number
  /** Milliseconds after which a child is replaced: new calls go to a new one. Default 28800000, which is 8 hours. */
  readonly longestLife?: number
  /** Milliseconds that calls in flight may take after a rotation or a longest life. Default 30000. */
  readonly drain?: number
  /** Milliseconds that calls in flight may take after a revocation, at most 500: no answer leaves a second after it. Default 300. */
  readonly revocationDrain?: number
  /** Milliseconds before the next start after a crash, which double with each crash. Default 250. */
  readonly backoff?: number
  /** Longest pause between starts, in milliseconds. Default 60000. */
  readonly longestBackoff?: number
  /** Milliseconds of life after which a crash counts as a first one. Default 60000. */
  readonly healthyAfter?: number
}

const DAY = 86_400_000
const whole = (least: number, most: number, usual: number) => z.int().min(least).max(most).default(usual)
const bytes = (usual: number) => whole(1, Number.MAX_SAFE_INTEGER, usual)

const schema = z.strictObject({
  childrenPerOwner: whole(1, 10_000, 8),
  children: whole(1, 10_000, 100),
  bytesPerOwner: bytes(2 * 2 ** 30),
  bytes: bytes(Math.floor(availableMemory() / 2)),
  measureEvery: whole(10, DAY, 5_000),
  idle: whole(1, DAY, 300_000),
  longestLife: whole(1, 7 * DAY, 8 * 3_600_000),
  drain: whole(0, 3_600_000, 30_000),
  revocationDrain: whole(0, 500, 300),
  backoff: whole(1, DAY, 250),
  longestBackoff: whole(1, DAY, 60_000),
  healthyAfter: whole(1, DAY, 60_000),
} satisfies OptionSchemas<PoolLimits>)

export type CheckedLimits = z.output<typeof schema>

export function checkLimits(limits: PoolLimits): CheckedLimits {
  return parseOptions(schema, limits, 'limits')
}

/** A container's limit, or else the machine's memory. Without a limit, Node returns 0 or more than there is. */
function availableMemory(): number {
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}
