import type { StorageKey } from '../model/storage-key.ts'

/** Decides when a user is told that a credential ends soon: at most once a day. */
export interface ExpiryNotices {
  /** @param now Unix milliseconds */
  isDue(key: StorageKey, expiresAt: Date | undefined, now: number): boolean
}

const DAY = 86_400_000
const MAX_REMEMBERED = 100_000

/** @param daysAhead how many days before the end the notices begin; 0 gives none */
export function createExpiryNotices(daysAhead: number): ExpiryNotices {
  const told = new Map<string, number>()
  return {
    isDue(key, expiresAt, now) {
      const end = expiresAt?.getTime()
      if (end === undefined || end <= now || end - now > daysAhead * DAY) return false
      const last = told.get(key.path)
      if (last !== undefined && now - last < DAY) return false
      told.delete(key.path)
      const [oldest] = told.keys()
      if (told.size >= MAX_REMEMBERED && oldest !== undefined) told.delete(oldest)
      told.set(key.path, now)
      return true
    },
  }
}
