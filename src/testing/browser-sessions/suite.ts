import assert from 'node:assert/strict'
import type { BrowserSessions } from '../../core/ports/browser-sessions.ts'

/** Two connections to the same memory of endings, like those of two replicas. For one inside a process both are the same object. */
export interface BrowserSessionsHarness {
  readonly here: BrowserSessions
  readonly there: BrowserSessions
  close(): Promise<void>
}

export interface BrowserSessionsSuite {
  /** `test` of the runner: vitest or node:test. */
  readonly test: (name: string, run: () => Promise<void>) => unknown
  /** Makes an opened memory of endings with nothing in it. */
  readonly create: () => Promise<BrowserSessionsHarness>
}

const LONG = 60_000
/** A store may read its clock a moment after ours. */
const MOMENT = 50

/**
 * Registers one test for each promise of the {@link BrowserSessions} interface.
 *
 * @example
 * ```ts
 * import { memoryBrowserSessions } from 'mcp-credential-vault'
 * import { describeBrowserSessions } from 'mcp-credential-vault/testing'
 *
 * describeBrowserSessions({
 *   test,
 *   create: async () => {
 *     const sessions = memoryBrowserSessions()
 *     return { here: sessions, there: sessions, close: async () => {} }
 *   },
 * })
 * ```
 */
export function describeBrowserSessions({ test, create }: BrowserSessionsSuite): void {
  function check(name: string, run: (harness: BrowserSessionsHarness, now: number) => Promise<void>) {
    test(`browser sessions: ${name}`, async () => {
      const harness = await create()
      try {
        await run(harness, Date.now() + MOMENT)
      } finally {
        await harness.close()
      }
    })
  }

  check('a session that ends here has ended there, and no other has', async ({ here, there }, startedAt) => {
    const session = { id: 'a', owner: 'ann', startedAt }
    assert.equal(await there.isEnded(session), false)
    await here.end('a', Date.now() + LONG)
    assert.equal(await there.isEnded(session), true)
    assert.equal(await there.isEnded({ ...session, id: 'b' }), false)
  })

  check('an ending is never shortened by a later one', async ({ here, there }, startedAt) => {
    await here.end('a', Date.now() + LONG)
    await there.end('a', Date.now() + 1)
    assert.equal(await here.isEnded({ id: 'a', owner: 'ann', startedAt }), true)
  })

  check("endAll refuses the owner's earlier sessions only", async ({ here, there }, startedAt) => {
    const session = { id: 'a', owner: 'ann', startedAt }
    await here.endAll('ann', startedAt + 1, Date.now() + LONG)
    await there.endAll('ann', startedAt - LONG, Date.now() + 1)
    assert.equal(await there.isEnded(session), true)
    assert.equal(await there.isEnded({ ...session, startedAt: startedAt + 1 }), false)
    assert.equal(await there.isEnded({ ...session, owner: 'bob' }), false)
  })

  check('a login can be used once', async ({ here, there }, startedAt) => {
    const login = { id: 'l', startedAt }
    assert.equal(await there.isLoginUsed(login), false)
    await here.useLogin('l', Date.now() + LONG)
    assert.equal(await there.isLoginUsed(login), true)
    assert.equal(await there.isLoginUsed({ ...login, id: 'm' }), false)
  })

  check('an ended session is no used login, nor the other way round', async ({ here, there }, startedAt) => {
    await here.end('a', Date.now() + LONG)
    await here.useLogin('b', Date.now() + LONG)
    assert.equal(await there.isLoginUsed({ id: 'a', startedAt }), false)
    assert.equal(await there.isEnded({ id: 'b', owner: 'ann', startedAt }), false)
  })

  check('what began before anything could be remembered is refused', async ({ here }, now) => {
    assert.equal(await here.isEnded({ id: 'a', owner: 'ann', startedAt: now - LONG }), true)
    assert.equal(await here.isLoginUsed({ id: 'l', startedAt: now - LONG }), true)
  })

  check('many endings at once are all kept', async ({ here, there }, startedAt) => {
    const ids = Array.from({ length: 100 }, (_, i) => `session ${i}`)
    await Promise.all(ids.map((id, i) => (i % 2 ? here : there).end(id, Date.now() + LONG)))
    const ended = await Promise.all(ids.map((id) => here.isEnded({ id, owner: 'ann', startedAt })))
    assert.equal(ended.every(Boolean), true)
  })
}
