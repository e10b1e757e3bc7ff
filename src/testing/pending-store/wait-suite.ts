import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { UseLimit } from '../../core/ports/pending-store.ts'
import { newEntry, sameSlot, until } from './entries.ts'
import type { PendingStoreHarness } from './harness.ts'

const MINUTE = 60_000

/** Registers tests of how calls wait, and that a shared store counts them and all other limited uses over every process. */
export function describeWaits(
  check: (name: string, run: (harness: PendingStoreHarness) => Promise<void>) => void,
): void {
  check(
    'close wakes the topics that it is given, and closeUnlessAwaited only if it closes',
    async ({ here, there }) => {
      const heard: string[] = []
      const hear = (topic: string) => there.listen(topic, () => heard.push(topic))
      const ends = [await hear('first'), await hear('also first'), await hear('second')]
      const [first, second] = [newEntry(), newEntry()]
      await here.openOrReuse(first)
      await here.openOrReuse(second, 'waiter')
      assert.equal(await here.closeUnlessAwaited(second.key, 'declined', ['second']), false)
      assert.equal(await here.close(first.key, 'saved', ['first', 'also first']), true)
      await until(() => heard.length > 1)
      assert.deepEqual(heard.sort(), ['also first', 'first'])
      await here.leave(second.key, 'waiter')
      assert.equal(await here.closeUnlessAwaited(second.key, 'declined', ['second']), true)
      await until(() => heard.length > 2)
      assert.equal(heard.at(-1), 'second')
      for (const end of ends) end()
    },
  )

  check('a call that looks for itself goes on counting as waiting', async ({ here, there }) => {
    const entry = newEntry()
    await here.openOrReuse(entry, 'waiter')
    assert.deepEqual(await here.get(entry.key, 'waiter'), { ...entry, state: 'open' })
    assert.equal(await there.closeUnlessAwaited(entry.key, 'declined'), false)
  })

  check('a shared store counts the waiting calls of one owner in all processes', async ({ here, there }) => {
    if (!here.shared) return
    const entry = newEntry()
    const open = (store: typeof here, waiter: string) => store.openOrReuse(sameSlot(entry), waiter, 2)
    assert.equal((await open(here, 'first')).mayNotWait, undefined)
    assert.equal((await open(there, 'second')).mayNotWait, undefined)
    const { mayNotWait, key, state } = await open(there, 'third')
    assert.deepEqual([mayNotWait, state], [true, 'open'])
    assert.equal((await open(here, 'second')).mayNotWait, undefined, 'a call is counted once')
    const another = newEntry({ owner: entry.owner })
    assert.equal((await here.openOrReuse(another, 'third', 2)).mayNotWait, true, 'over all requests of the owner')
    assert.equal(
      (await here.openOrReuse(newEntry(), 'third', 2)).mayNotWait,
      undefined,
      'other owners are not concerned',
    )
    await there.leave(key, 'first')
    assert.equal((await there.openOrReuse(another, 'third', 2)).mayNotWait, undefined)
  })

  check('a call that was not counted does not keep its request open', async ({ here, there }) => {
    if (!here.shared) return
    const [waited, refused] = [newEntry({ owner: 'ann' }), newEntry({ owner: 'ann' })]
    await here.openOrReuse(waited, 'first', 1)
    await there.openOrReuse(refused, 'second', 1)
    assert.equal(await here.closeUnlessAwaited(refused.key, 'declined'), true)
    assert.equal(await here.closeUnlessAwaited(waited.key, 'declined'), false)
  })

  check('a shared store counts the uses of a limit in all processes, and each once', async ({ here, there }) => {
    assert.equal(here.countUse !== undefined, here.shared, 'a store has countUse if it is shared')
    if (!here.countUse) return
    const limit: UseLimit = { key: randomUUID(), most: 5 }
    const uses = Array.from({ length: 20 }, (_, i) => (i % 2 ? here : there).countUse?.([limit]))
    const waits = await Promise.all(uses)
    assert.equal(waits.filter((wait) => wait === 0).length, 5)
    for (const wait of waits) assert.ok(wait !== undefined && wait >= 0 && wait <= MINUTE)
    assert.equal(await here.countUse([{ ...limit, key: randomUUID() }]), 0)
  })

  check('a limit holds for the window that its caller names', async ({ here, there }) => {
    if (!here.countUse) return
    const limit: UseLimit = { key: randomUUID(), most: 1 }
    assert.equal(await here.countUse([limit], 2 * MINUTE), 0)
    const wait = (await there.countUse?.([limit], 2 * MINUTE)) ?? 0
    assert.ok(wait > MINUTE && wait <= 2 * MINUTE)
  })

  check('a use counts against wider limits too, and against none once one of those is used up', async ({ here }) => {
    if (!here.countUse) return
    const wide: UseLimit = { key: randomUUID(), most: 3 }
    const [first, second] = [randomUUID(), randomUUID()]
    const use = async (key: string) => (await here.countUse?.([{ key, most: 2 }, wide])) === 0
    assert.deepEqual([await use(first), await use(first), await use(first)], [true, true, false])
    // The refused use of the first did not count against the wider limit.
    assert.deepEqual([await use(second), await use(second)], [true, false])
  })
}
