import { z } from 'zod'
import type { OptionSchemas } from '../../core/model/options.ts'
import type { PoolLimits } from '../children/pool/pool-limits.ts'

/** The processes of all upstreams that are started: where their files are, how many there may be, and for how long. */
export interface ChildrenOptions {
  /** Where the folders of processes are made, each with a HOME, a TMPDIR and a working folder. Default: the system's for temporary files. */
  readonly folder?: string | undefined
  /** Where credential files are made. Default: `XDG_RUNTIME_DIR` or `/dev/shm`, whichever is a tmpfs; else `folder`. */
  readonly secretsFolder?: string | undefined
  /** Processes of one user, 1 to 10000. Default 8. */
  readonly maxPerOwner?: number | undefined
  /** Processes in all, 1 to 10000. Default 100. */
  readonly max?: number | undefined
  /** Resident memory of one user's processes, in MiB, on Linux. Above it, the largest of them is ended. Default 2048. */
  readonly memoryPerOwner?: number | undefined
  /** Resident memory of all processes, in MiB, on Linux. Above it, none is started. Default half of the machine's or container's. */
  readonly memory?: number | undefined
  /** Seconds without a message, a running call or an open stream, after which a process is ended. Default 300. */
  readonly idleSeconds?: number | undefined
  /** Seconds after which a process is replaced. Default 28800, which is 8 hours. */
  readonly longestLifeSeconds?: number | undefined
  /** Seconds that running calls may take after a rotation or a longest life. Default 30. */
  readonly drainSeconds?: number | undefined
}

const DAY = 86_400
const MEBIBYTE = 1_048_576
const path = z.string().min(1).max(1_000)

export const childrenSchema = z
  .strictObject({
    folder: path.optional().describe('Where the folders of processes are made.'),
    secretsFolder: path.optional().describe('Where credential files are made. Default: a tmpfs.'),
    maxPerOwner: z.int().min(1).max(10_000).optional().describe('Processes of one user. Default 8.'),
    max: z.int().min(1).max(10_000).optional().describe('Processes in all. Default 100.'),
    memoryPerOwner: z.int().min(1).max(10_000_000).optional().describe("Memory of one user's processes, in MiB."),
    memory: z.int().min(1).max(10_000_000).optional().describe('Memory of all processes, in MiB.'),
    idleSeconds: z.number().min(0.001).max(DAY).optional().describe('Default 300.'),
    longestLifeSeconds: z
      .number()
      .min(0.001)
      .max(7 * DAY)
      .optional()
      .describe('Default 28800.'),
    drainSeconds: z.number().min(0).max(3_600).optional().describe('Default 30.'),
  } satisfies OptionSchemas<ChildrenOptions>)
  .describe('The processes of upstreams with command.')

/** Returns the limits as a pool takes them. */
export function poolLimits(options: ChildrenOptions = {}): PoolLimits {
  const { maxPerOwner, max, memoryPerOwner, memory, idleSeconds, longestLifeSeconds, drainSeconds } = options
  const limits = {
    childrenPerOwner: maxPerOwner,
    children: max,
    bytesPerOwner: memoryPerOwner && memoryPerOwner * MEBIBYTE,
    bytes: memory && memory * MEBIBYTE,
    idle: milliseconds(idleSeconds),
    longestLife: milliseconds(longestLifeSeconds),
    drain: milliseconds(drainSeconds),
  }
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined))
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.round(seconds * 1000)
}
