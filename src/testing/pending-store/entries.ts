import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { PendingEntry, PendingKey, PendingStore, StoredEntry } from '../../core/ports/pending-store.ts'

/** Milliseconds. */
const LIFETIME = 60_000
const PATIENCE = 30_000
/** Long enough for a store behind a network to answer. */
const FIRST_SPAN = 400
const CLOCKS_DIFFER = 100

export function newEntry(given: Partial<PendingEntry> = {}): PendingEntry {
  const expiresAt = given.expiresAt ?? Date.now() + LIFETIME
  return {
    key: randomUUID() as string as PendingKey,
    slot: randomUUID(),
    owner: randomUUID(),
    sealed: `sealed-${randomUUID()}`,
    keepUntil: expiresAt + LIFETIME,
    ...given,
    expiresAt,
  }
}

/** Another request for the same slot, which belongs to the same owner. */
export function sameSlot({ slot, owner }: PendingEntry): PendingEntry {
  return newEntry({ slot, owner })
}

export async function opened(store: PendingStore, given: Partial<PendingEntry> = {}): Promise<PendingEntry> {
  const entry = newEntry(given)
  assert.equal((await store.openOrReuse(entry)).key, entry.key)
  return entry
}

/** A closed entry without how long ago that was, which a store may tell. */
export function withoutAge(entry: StoredEntry): StoredEntry {
  const { closedAgo = 0, ...rest } = entry
  assert.ok(closedAgo >= 0 && closedAgo < LIFETIME, 'closedAgo is in milliseconds')
  return rest
}

/** The entry as it is stored, without its age. */
export async function storedIn(store: PendingStore, { key }: PendingEntry): Promise<StoredEntry> {
  const entry = await store.get(key)
  assert.ok(entry)
  return withoutAge(entry)
}

export function full(reason: string): (error: unknown) => boolean {
  return (error) => isCredentialVaultError(error, 'pending_store_full') && error.reason === reason && error.retryable
}

export async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE
  while (!holds()) {
    assert.ok(Date.now() < deadline, 'nothing was heard within half a minute')
    await delay(5)
  }
}

/**
 * Runs `before` with a deadline, and resolves with its result once the deadline has passed. If the machine was too slow, it runs again with
 * more time, so that `before` may assert what holds only before the deadline.
 */
export async function untilAfter<T>(before: (time: number) => Promise<T>): Promise<T> {
  for (let span = FIRST_SPAN; ; span *= 4) {
    const time = Date.now() + span
    const inTime = () => Date.now() < time
    try {
      const result = await before(time)
      if (inTime() || span > PATIENCE) {
        await delay(time - Date.now() + CLOCKS_DIFFER)
        return result
      }
    } catch (error) {
      if (inTime() || span > PATIENCE) throw error
    }
  }
}
