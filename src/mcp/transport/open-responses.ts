import { type Owner, ownerKey } from '../../core/model/owner.ts'

/** `mount-options.ts` has the options and defaults: `maxOpenResponsesPerOwner`, `maxUnreadBytesPerOwner` and `writeTimeoutSeconds`. */
export interface OpenResponseLimits {
  /** Most responses of one owner that are open at once. */
  readonly maxPerOwner: number
  /** Most bytes that one owner's clients have not read yet, or have sent in unfinished bodies. A single response may hold more. */
  readonly maxUnreadBytesPerOwner: number
  /** Milliseconds within which a client must read some of the waiting bytes, or send more of its body. */
  readonly writeTimeout: number
}

/** An open response, with the body of its request. */
export interface OpenResponse {
  /** Adds bytes that wait for the client. */
  waiting(bytes: number): void
  /** Removes bytes that the client has read. */
  taken(bytes: number): void
  closed(): void
}

/** Bounds the memory of clients that do not read, or never finish their bodies. */
export interface OpenResponses {
  /**
   * @param abort ends the response immediately
   * @returns undefined when the owner has reached the limit of open responses
   */
  open(owner: Owner, abort: () => void): OpenResponse | undefined
  close(): void
}

interface Entry {
  readonly siblings: ReadonlySet<Entry>
  readonly abort: () => void
  unread: number
  lastTaken: number
}

const CHECK_INTERVAL_MS = 1_000
/** Applies above the limit of unread bytes. A client that reads makes progress in that time. */
const GRACE_WHEN_FULL_MS = 2_000

export function openResponses(limits: OpenResponseLimits): OpenResponses {
  const owners = new Map<string, Set<Entry>>()
  const unread = new Set<Entry>()
  let looking: NodeJS.Timeout | undefined

  function look(): void {
    const now = performance.now()
    for (const entry of [...unread].sort((a, b) => a.lastTaken - b.lastTaken)) {
      const idle = now - entry.lastTaken
      if (idle >= limits.writeTimeout || (idle >= GRACE_WHEN_FULL_MS && isFull(entry.siblings))) {
        unread.delete(entry)
        entry.unread = 0
        entry.abort()
      }
    }
    if (unread.size > 0) return
    clearInterval(looking)
    looking = undefined
  }

  function isFull(siblings: ReadonlySet<Entry>): boolean {
    const waiting = [...siblings].map((entry) => entry.unread).filter((bytes) => bytes > 0)
    return waiting.length > 1 && waiting.reduce((sum, bytes) => sum + bytes) > limits.maxUnreadBytesPerOwner
  }

  return {
    open(client, abort) {
      const owner = ownerKey(client)
      const siblings = owners.get(owner) ?? new Set<Entry>()
      if (siblings.size >= limits.maxPerOwner) return undefined
      const entry: Entry = { siblings, abort, unread: 0, lastTaken: 0 }
      owners.set(owner, siblings.add(entry))
      return {
        waiting(bytes) {
          if (entry.unread === 0) entry.lastTaken = performance.now()
          entry.unread += bytes
          unread.add(entry)
          looking ??= setInterval(look, Math.min(CHECK_INTERVAL_MS, limits.writeTimeout)).unref()
        },
        taken(bytes) {
          entry.unread -= bytes
          entry.lastTaken = performance.now()
          if (entry.unread <= 0) unread.delete(entry)
        },
        closed() {
          unread.delete(entry)
          siblings.delete(entry)
          if (siblings.size === 0 && owners.get(owner) === siblings) owners.delete(owner)
        },
      }
    },
    close: () => clearInterval(looking),
  }
}
