import assert from 'node:assert/strict'
import type { PendingOutcome } from '../../core/ports/pending-store.ts'
import { opened, untilAfter } from './entries.ts'
import type { PendingStoreHarness } from './harness.ts'

const LONG = 60_000

/** Registers tests that one of many claims wins, and that a request ends correctly even if the first claimant crashes. */
export function describeClaims(
  check: (name: string, run: (harness: PendingStoreHarness) => Promise<void>) => void,
): void {
  check('of 100 simultaneous claims one wins', async ({ here, there }) => {
    const entry = await opened(here)
    const until = Date.now() + LONG
    const claims = Array.from({ length: 100 }, (_, i) => (i % 2 ? here : there).claim(entry.key, `claim-${i}`, until))
    assert.equal((await Promise.all(claims)).filter(Boolean).length, 1)
    assert.equal((await there.get(entry.key))?.state, 'claimed')
  })

  check('of 100 simultaneous closes one closes', async ({ here, there }) => {
    const entry = await opened(here)
    const outcome = (i: number): PendingOutcome => (i % 2 ? 'saved' : 'cancelled')
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => (i % 2 ? here : there).close(entry.key, outcome(i))),
    )
    assert.equal(answers.filter(Boolean).length, 1)
    assert.equal((await here.get(entry.key))?.outcome, outcome(answers.indexOf(true)))
  })

  check('unclaim gives the link back, but only to its holder', async ({ here, there }) => {
    const entry = await opened(here)
    const until = Date.now() + LONG
    assert.equal(await here.claim(entry.key, 'a', until), true)
    await there.unclaim(entry.key, 'b')
    assert.equal(await there.claim(entry.key, 'b', until), false)
    await here.unclaim(entry.key, 'a')
    assert.equal((await there.get(entry.key))?.state, 'open')
    assert.equal(await there.claim(entry.key, 'b', until), true)
    await here.unclaim(entry.key, 'a')
    assert.equal((await there.get(entry.key))?.state, 'claimed')
  })

  check('a claim lapses by itself, and its late holder takes nothing back', async ({ here, there }) => {
    const entry = await untilAfter(async (lapse) => {
      const claimed = await opened(here)
      assert.equal(await here.claim(claimed.key, 'crashed', lapse), true)
      assert.equal(await there.claim(claimed.key, 'next', Date.now() + LONG), false)
      return claimed
    })
    assert.equal((await there.get(entry.key))?.state, 'open')
    assert.equal(await there.claim(entry.key, 'next', Date.now() + LONG), true)
    await here.unclaim(entry.key, 'crashed')
    assert.equal((await here.get(entry.key))?.state, 'claimed')
  })

  check('whoever holds a claim may put its lapse off, and nobody else', async ({ here, there }) => {
    const entry = await untilAfter(async (lapse) => {
      const claimed = await opened(here)
      assert.equal(await here.claim(claimed.key, 'a', lapse), true)
      assert.equal(await here.claim(claimed.key, 'a', Date.now() + LONG), true)
      assert.equal(await there.claim(claimed.key, 'b', Date.now() + LONG), false)
      return claimed
    })
    assert.equal(await there.claim(entry.key, 'b', Date.now() + LONG), false)
    assert.equal(await there.close(entry.key, 'cancelled'), true)
    assert.equal(await here.claim(entry.key, 'a', Date.now() + LONG), false)
  })

  check('a lapsed claim that somebody else has taken is lost', async ({ here, there }) => {
    const entry = await untilAfter(async (lapse) => {
      const claimed = await opened(here)
      assert.equal(await here.claim(claimed.key, 'a', lapse), true)
      return claimed
    })
    assert.equal(await there.claim(entry.key, 'b', Date.now() + LONG), true)
    assert.equal(await here.claim(entry.key, 'a', Date.now() + LONG), false)
  })

  check('a declined consent leaves a request alone that is being saved', async ({ here, there }) => {
    const entry = await opened(here)
    assert.equal(await here.claim(entry.key, 'a', Date.now() + LONG), true)
    assert.equal(await there.closeUnlessAwaited(entry.key, 'declined'), false)
    assert.deepEqual(await here.get(entry.key), { ...entry, state: 'claimed' })
    await here.unclaim(entry.key, 'a')
    assert.equal(await there.closeUnlessAwaited(entry.key, 'declined'), true)
  })
}
