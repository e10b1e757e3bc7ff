import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { PendingStore } from '../../core/ports/pending-store.ts'
import { describeClaims } from './claim-suite.ts'
import { describeCloseAll } from './close-all-suite.ts'
import { full, newEntry, opened, sameSlot, storedIn, until, untilAfter } from './entries.ts'
import type { PendingStoreHarness } from './harness.ts'
import { describeWaits } from './wait-suite.ts'

export interface PendingStoreLimits {
  /** Most entries in the store. */
  readonly maxEntries?: number
  /** Most open entries of one owner. */
  readonly maxOpenPerOwner?: number
}

export interface PendingStoreSuite {
  /** `test` of the runner: vitest or node:test. */
  readonly test: (name: string, run: () => Promise<void>) => unknown
  /** Makes an empty store with these limits. A limit that is not given is the store's default, at least 10. */
  readonly create: (limits: PendingStoreLimits) => Promise<PendingStoreHarness>
  /** False for a store that does not bound its number of entries itself. Default true. */
  readonly boundsEntries?: boolean
  /** False for a store without `closeAll`. Default true. */
  readonly closesAll?: boolean
}

const LONG = 60_000

/**
 * Registers one test for each promise of the {@link PendingStore} interface.
 *
 * @example
 * ```ts
 * import { memoryPendingStore } from 'mcp-credential-vault'
 * import { describePendingStore } from 'mcp-credential-vault/testing'
 *
 * describePendingStore({
 *   test,
 *   create: async (limits) => {
 *     const store = memoryPendingStore(limits)
 *     return { here: store, there: store, close: () => store.shutdown() }
 *   },
 * })
 * ```
 */
export function describePendingStore({
  test,
  create,
  boundsEntries = true,
  closesAll = true,
}: PendingStoreSuite): void {
  function check(name: string, run: (harness: PendingStoreHarness) => Promise<void>, limits: PendingStoreLimits = {}) {
    test(`pending store: ${name}`, async () => {
      const harness = await create(limits)
      try {
        await run(harness)
      } finally {
        await harness.close()
      }
    })
  }

  check('an inserted entry is read back as it was, by everybody', async ({ here, there }) => {
    const entry = newEntry()
    assert.deepEqual(await here.openOrReuse(entry), { ...entry, state: 'open' })
    assert.deepEqual(await there.get(entry.key), { ...entry, state: 'open' })
    assert.equal(await there.get(newEntry().key), undefined)
  })

  check(
    'its owner reads an entry by any of their hashes, and whoever has read it can claim it',
    async ({ here, there }) => {
      const entry = newEntry()
      await here.openOrReuse(entry)
      const hashes = [newEntry().owner, entry.owner]
      assert.deepEqual(await there.get(entry.key, undefined, hashes), { ...entry, state: 'open' })
      assert.equal(await there.get(newEntry().key, undefined, hashes), undefined)
      assert.equal(await there.claim(entry.key, 'a', Date.now() + LONG), true)
      assert.equal((await here.get(entry.key, undefined, hashes))?.state, 'claimed')
    },
  )

  check('two tabs get one request', async ({ here, there }) => {
    const first = newEntry()
    const second = sameSlot(first)
    const answers = await Promise.all([here.openOrReuse(first), there.openOrReuse(second)])
    assert.equal(answers[0].key, answers[1].key)
    const kept = await Promise.all([here.get(first.key), here.get(second.key)])
    assert.equal(kept.filter((one) => one !== undefined).length, 1)
  })

  check('a claimed request is reused, not doubled', async ({ here, there }) => {
    const entry = await opened(here)
    assert.equal(await here.claim(entry.key, 'a', Date.now() + LONG), true)
    const again = await there.openOrReuse(sameSlot(entry))
    assert.deepEqual(again, { ...entry, state: 'claimed' })
  })

  describeClaims(check)
  if (closesAll) describeCloseAll(check)
  describeWaits(check)

  check('closed keeps its first outcome and frees the slot', async ({ here, there }) => {
    const entry = await opened(here)
    assert.equal(await here.claim(entry.key, 'a', Date.now() + LONG), true)
    assert.equal(await there.close(entry.key, 'saved'), true)
    assert.equal(await here.close(entry.key, 'cancelled'), false)
    await here.unclaim(entry.key, 'a')
    assert.deepEqual(await storedIn(here, entry), { ...entry, state: 'closed', outcome: 'saved' })
    assert.equal(await here.claim(entry.key, 'b', Date.now() + LONG), false)

    const next = sameSlot(entry)
    assert.deepEqual(await there.openOrReuse(next), { ...next, state: 'open' })
    assert.equal(await here.close(entry.key, 'declined'), false)
    const third = await here.openOrReuse(sameSlot(entry))
    assert.equal(third.key, next.key, 'closing the earlier request again must not free the later one')
  })

  check('what is not there can be neither claimed nor closed', async ({ here }) => {
    const { key } = newEntry()
    assert.equal(await here.claim(key, 'a', Date.now() + LONG), false)
    assert.equal(await here.close(key, 'saved'), false)
    await here.unclaim(key, 'a')
    await here.leave(key, 'w')
    assert.equal(await here.closeUnlessAwaited(key, 'declined'), false)
    assert.equal(await here.get(key), undefined)
  })

  check('an expired request can be read but not claimed, and its slot is free', async ({ here, there }) => {
    const entry = await untilAfter((expiresAt) => opened(here, { expiresAt }))
    assert.equal(await there.claim(entry.key, 'a', Date.now() + LONG), false)
    assert.deepEqual(await there.get(entry.key), { ...entry, state: 'open' })
    const next = sameSlot(entry)
    assert.equal((await there.openOrReuse(next)).key, next.key)
  })

  check('a save that ends after the link expired still closes it', async ({ here, there }) => {
    const entry = await untilAfter(async (expiresAt) => {
      const soonExpired = await opened(here, { expiresAt })
      assert.equal(await here.claim(soonExpired.key, 'a', Date.now() + LONG), true)
      return soonExpired
    })
    const next = sameSlot(entry)
    assert.equal((await there.openOrReuse(next)).key, next.key)
    assert.equal(await here.close(entry.key, 'saved'), true)
    assert.equal((await there.openOrReuse(sameSlot(entry))).key, next.key)
  })

  check('an entry is gone after keepUntil', async ({ here, there }) => {
    const [entry, closed] = await untilAfter(async (time) => {
      const ending = { expiresAt: time, keepUntil: time }
      const entries = [await opened(here, ending), await opened(here, ending)] as const
      await here.close(entries[1].key, 'saved')
      return entries
    })
    assert.equal(await there.get(entry.key), undefined)
    assert.equal(await there.get(closed.key), undefined)
    assert.equal(await there.close(entry.key, 'cancelled'), false)
  })

  check('a request that a call waits for is closed by nobody who only stops waiting', async ({ here, there }) => {
    const entry = newEntry()
    await here.openOrReuse(entry, 'first')
    await there.openOrReuse(sameSlot(entry), 'second')
    await here.leave(entry.key, 'first')
    await here.leave(entry.key, 'nobody')
    assert.equal(await here.closeUnlessAwaited(entry.key, 'declined'), false)
    await there.leave(entry.key, 'second')
    assert.equal(await here.closeUnlessAwaited(entry.key, 'declined'), true)
    assert.equal(await here.closeUnlessAwaited(entry.key, 'declined'), false)
    assert.equal((await there.get(entry.key))?.outcome, 'declined')
  })

  check('a call counts as waiting from the moment it has the request', async ({ here, there }) => {
    const entry = newEntry()
    await here.openOrReuse(entry, 'first')
    const [, closed] = await Promise.all([
      there.openOrReuse(sameSlot(entry), 'second'),
      here.leave(entry.key, 'first').then(() => here.closeUnlessAwaited(entry.key, 'declined')),
    ])
    assert.equal(closed && (await here.get(entry.key))?.state === 'open', false)
  })

  check('wake reaches every listener of the topic, and no other', async ({ here, there }) => {
    const heard: string[] = []
    const ends = [
      await here.listen('topic', () => heard.push('here')),
      await here.listen('topic', () => heard.push('here too')),
      await there.listen('topic', () => heard.push('there')),
      await there.listen('another', () => heard.push('another')),
    ]
    await here.wake('topic')
    await until(() => heard.length >= 3)
    await delay(50)
    assert.deepEqual(heard.sort(), ['here', 'here too', 'there'])
    for (const end of ends) end()
  })

  check('a listener that has ended hears nothing, the others go on', async ({ here, there }) => {
    let ended = 0
    let still = 0
    const onWake = () => {
      ended += 1
    }
    const end = await here.listen('topic', onWake)
    const endStill = await here.listen('topic', () => {
      still += 1
    })
    end()
    end()
    await there.wake('topic')
    await until(() => still === 1)
    await there.wake('topic')
    await until(() => still === 2)
    assert.equal(ended, 0)
    endStill()
  })

  check(
    'one owner has a limit of open requests; closed ones do not count, others are not affected',
    async ({ here, there }) => {
      const owner = randomUUID()
      const first = await opened(here, { owner })
      await opened(there, { owner })
      await assert.rejects(here.openOrReuse(newEntry({ owner })), full('owner_full'))
      const reused = await here.openOrReuse(sameSlot(first))
      assert.equal(reused.key, first.key)
      await opened(here)
      await there.close(first.key, 'cancelled')
      await opened(here, { owner })
      await assert.rejects(there.openOrReuse(newEntry({ owner })), full('owner_full'))
    },
    { maxOpenPerOwner: 2 },
  )

  check(
    'simultaneous requests do not get past the limit',
    async ({ here, there }) => {
      const owner = randomUUID()
      const answers = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) => (i % 2 ? here : there).openOrReuse(newEntry({ owner }))),
      )
      assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 3)
    },
    { maxOpenPerOwner: 3 },
  )

  check(
    'expired requests do not count against their owner',
    async ({ here }) => {
      const owner = await untilAfter(async (expiresAt) => {
        const one = randomUUID()
        await opened(here, { owner: one, expiresAt })
        await assert.rejects(here.openOrReuse(newEntry({ owner: one })), full('owner_full'))
        return one
      })
      await opened(here, { owner })
    },
    { maxOpenPerOwner: 1 },
  )

  if (boundsEntries) {
    check(
      'a full store refuses new requests until one is spent',
      async ({ here, there }) => {
        const entries = [await opened(here), await opened(there), await opened(here)]
        await assert.rejects(here.openOrReuse(newEntry()), full('store_full'))
        await here.close((entries[1] ?? assert.fail()).key, 'saved')
        await opened(there)
        await assert.rejects(here.openOrReuse(newEntry()), full('store_full'))
        assert.equal((await here.get((entries[0] ?? assert.fail()).key))?.state, 'open')
      },
      { maxEntries: 3 },
    )
  }

  check('after shutdown every answer is unavailable, never "not there"', async ({ here, there }) => {
    const entry = await opened(here)
    const end = await here.listen('topic', () => assert.fail('woken after shutdown'))
    await here.shutdown()
    await here.shutdown()
    end()
    await assert.rejects(here.get(entry.key), (error) => isCredentialVaultError(error, 'unavailable'))
    await assert.rejects(here.openOrReuse(newEntry()), (error) => isCredentialVaultError(error, 'unavailable'))
    if (there !== here) assert.equal((await there.get(entry.key))?.state, 'open')
  })
}
