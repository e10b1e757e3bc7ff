import { randomBytes } from 'node:crypto'
import { ownerKey, type User } from '../model/owner.ts'

/** Calls of one owner that may wait at the same time, in all replicas together where they share a store. */
export const MOST_WAITING_CALLS = 100

/** Counts the waiting calls of this process by owner. Each uses memory for as long as its client keeps it open. */
export interface WaitingCalls {
  /** Returns the call's id, or undefined if its owner has the most waiting calls allowed. */
  begin(user: User): string | undefined
  /** May be called twice: a withdrawn call does so. */
  end(user: User, waiterId: string | undefined): void
  /** How many calls of all owners wait. */
  count(): number
}

export function createWaitingCalls(): WaitingCalls {
  const waiting = new Map<string, number>()
  const waiters = new Set<string>()
  return {
    begin(user) {
      const owner = ownerKey(user)
      const own = waiting.get(owner) ?? 0
      if (own >= MOST_WAITING_CALLS) return undefined
      const waiterId = randomBytes(16).toString('base64url')
      waiters.add(waiterId)
      waiting.set(owner, own + 1)
      return waiterId
    },

    end(user, waiterId) {
      if (waiterId === undefined || !waiters.delete(waiterId)) return
      const owner = ownerKey(user)
      const left = (waiting.get(owner) ?? 1) - 1
      if (left > 0) waiting.set(owner, left)
      else waiting.delete(owner)
    },

    count: () => waiters.size,
  }
}
