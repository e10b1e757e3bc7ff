import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { PendingOutcome, PendingStore, StoredEntry } from '../../core/ports/pending-store.ts'
import { newEntry, opened, sameSlot, storedIn, until, untilAfter, withoutAge } from './entries.ts'
import type { PendingStoreHarness } from './harness.ts'

const LONG = 60_000

/** Registers tests that an offboarding ends every open request of its owner, and nothing of anybody else. */
export function describeCloseAll(
  check: (name: string, run: (harness: PendingStoreHarness) => Promise<void>) => void,
): void {
  check('closeAll closes the open and claimed entries of one owner, and returns those', async ({ here, there }) => {
    const owner = randomUUID()
    const [open, claimed, saved] = [
      await opened(here, { owner }),
      await opened(there, { owner }),
      await opened(here, { owner }),
    ]
    assert.equal(await here.claim(claimed.key, 'a', Date.now() + LONG), true)
    assert.equal(await here.close(saved.key, 'saved'), true)
    const others = await opened(here)
    const ended = { state: 'closed', outcome: 'cancelled' } as const
    const expected = [open, claimed].map((entry) => ({ ...entry, ...ended }))
    assert.deepEqual(byKey((await closeAll(there, owner, 'cancelled')).map(withoutAge)), byKey(expected))
    for (const entry of expected) assert.deepEqual(await storedIn(here, entry), entry)
    assert.equal((await here.get(saved.key))?.outcome, 'saved')
    assert.deepEqual(await here.get(others.key), { ...others, state: 'open' })
    assert.deepEqual(await closeAll(here, owner, 'cancelled'), [], 'a second closeAll has nothing to close')
    assert.deepEqual(await closeAll(here, randomUUID(), 'cancelled'), [])
  })

  check('an entry that closeAll has closed can be neither claimed, renewed nor saved', async ({ here, there }) => {
    const entry = await opened(here)
    assert.equal(await here.claim(entry.key, 'a', Date.now() + LONG), true)
    await closeAll(there, entry.owner, 'cancelled')
    assert.equal(await here.claim(entry.key, 'a', Date.now() + LONG), false)
    assert.equal(await there.claim(entry.key, 'b', Date.now() + LONG), false)
    assert.equal(await here.close(entry.key, 'saved'), false)
    await here.unclaim(entry.key, 'a')
    assert.equal((await there.get(entry.key))?.outcome, 'cancelled')
  })

  check(
    'calls that wait do not keep closeAll from closing, and read the outcome once woken',
    async ({ here, there }) => {
      const entry = newEntry()
      await here.openOrReuse(entry, 'first')
      await there.openOrReuse(sameSlot(entry), 'second')
      const read: (PendingOutcome | undefined)[] = []
      const onWake = (store: PendingStore) => async () => {
        read.push((await store.get(entry.key))?.outcome)
      }
      const ends = [await here.listen('topic', onWake(here)), await there.listen('topic', onWake(there))]
      const closed = await closeAll(here, entry.owner, 'declined')
      assert.deepEqual(closed.map(withoutAge), [{ ...entry, state: 'closed', outcome: 'declined' }])
      await here.wake('topic')
      await until(() => read.length >= 2)
      assert.deepEqual(read, ['declined', 'declined'])
      for (const end of ends) end()
    },
  )

  check('closeAll frees the slots, and entries made afterwards live', async ({ here, there }) => {
    const entry = await opened(here)
    await closeAll(there, entry.owner, 'cancelled')
    const next = sameSlot(entry)
    assert.deepEqual(await here.openOrReuse(next), { ...next, state: 'open' })
    assert.equal(await there.claim(next.key, 'a', Date.now() + LONG), true)
    assert.equal(await here.close(next.key, 'saved'), true)
  })

  check('closeAll closes a save that runs on after its link has expired', async ({ here, there }) => {
    const entry = await untilAfter(async (expiresAt) => {
      const soonExpired = await opened(here, { expiresAt })
      assert.equal(await here.claim(soonExpired.key, 'a', Date.now() + LONG), true)
      return soonExpired
    })
    await closeAll(there, entry.owner, 'cancelled')
    assert.equal(await here.claim(entry.key, 'a', Date.now() + LONG), false)
    assert.equal((await here.get(entry.key))?.outcome, 'cancelled')
  })

  check('of requests opened at the same time, closeAll closes and returns each or neither', async ({ here, there }) => {
    const owner = randomUUID()
    const entries = Array.from({ length: 8 }, () => newEntry({ owner }))
    const [closed] = await Promise.all([
      closeAll(there, owner, 'cancelled'),
      ...entries.map((entry, i) => (i % 2 ? here : there).openOrReuse(entry)),
    ])
    const returned = new Set(closed.map(({ key }) => key))
    for (const { key } of entries) {
      assert.equal((await here.get(key))?.state, returned.has(key) ? 'closed' : 'open')
    }
  })
}

async function closeAll(store: PendingStore, owner: string, outcome: PendingOutcome): Promise<readonly StoredEntry[]> {
  assert.ok(store.closeAll, 'the store has no closeAll: leave it out with `closesAll: false`')
  return store.closeAll(owner, outcome)
}

function byKey(entries: readonly StoredEntry[]): readonly StoredEntry[] {
  return [...entries].sort((a, b) => (a.key < b.key ? -1 : 1))
}
