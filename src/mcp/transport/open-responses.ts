import type { Owner } from '../../core/model/owner.ts'

export interface OpenResponseLimits {
  /** Responses of one owner that are open at a time. */
  readonly maxPerOwner: number
  /** Bytes that one owner's clients have not taken yet, or have sent of bodies that do not end. One alone may hold more. */
  readonly maxUnreadBytesPerOwner: number
  /** Milliseconds in which a client has to take something of what is there for it, or to go on with a body. */
  readonly writeTimeout: number
}

/** A response that has begun, and the body of its request. */
export interface OpenResponse {
  /** So many bytes wait for the client. */
  waiting(bytes: number): void
  /** The client has taken so many of them. */
  taken(bytes: number): void
  closed(): void
}

/** Keeps clients that do not read, or never end what they send, from filling the memory. */
export interface OpenResponses {
  /** @param abort ends the response at once. @returns undefined when its owner has as many open as one may have */
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
/** Above the limit of unread bytes. A client that reads takes something in that time. */
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
    open({ issuer, subject }, abort) {
      const owner = JSON.stringify([issuer, subject])
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
