import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isVaultError } from '../core/errors.ts'
import type { PendingEntry, PendingKey, PendingStore } from '../core/pending-store.ts'

const LIFETIME = 60_000

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

export async function opened(store: PendingStore, given: Partial<PendingEntry> = {}): Promise<PendingEntry> {
  const entry = newEntry(given)
  assert.equal((await store.openOrReuse(entry)).key, entry.key)
  return entry
}

export function full(reason: string): (error: unknown) => boolean {
  return (error) => isVaultError(error, 'pending_store_full') && error.reason === reason && error.retryable
}

export async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000
  while (!holds()) {
    assert.ok(Date.now() < deadline, 'nothing was heard within five seconds')
    await delay(5)
  }
}
