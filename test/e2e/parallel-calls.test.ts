import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { fillIn, type Harness, linkIn, startHarness } from '../harness/mcp-harness.ts'
import { type HarnessV2, startHarnessV2 } from '../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const ANSWER = { text: `a secret of ${SECRET.length} characters`, isError: false }

let first: Harness
let second: HarnessV2
beforeAll(async () => {
  first = await startHarness()
  second = await startHarnessV2()
})
afterEach(async () => {
  for (const harness of [first, second]) await harness.forget('alice')
})
afterAll(async () => {
  await first.close()
  await second.close()
})

type Action = 'accept' | 'decline' | 'cancel'
type OnLink = (link: string) => Action | Promise<Action>
const SIDES = {
  'SDK 1.x': {
    harness: () => first,
    async connect(onLink: OnLink) {
      const { links, text } = await first.connect('alice', { onLink })
      return { links, call: (signal?: AbortSignal) => text('read_secret', signal && { signal }) }
    },
  },
  'SDK 2.x, MCP 2025-11-25': {
    harness: () => second,
    async connect(onLink: OnLink) {
      const { links, text } = await second.connectV2('alice', { era: 'legacy', onLink })
      return { links, call: (signal?: AbortSignal) => text('read_secret', {}, signal && { signal }) }
    },
  },
}

describe.each(Object.entries(SIDES))('%s', (_, { harness, connect }) => {
  const waiting = (calls: number) => {
    const before = harness().audit.events.length
    const requested = () =>
      harness()
        .audit.events.slice(before)
        .filter(({ type }) => type === 'credential.requested').length
    return () => expect.poll(requested).toBe(calls)
  }

  test('calls in parallel show one prompt, and one save wakes them all', async () => {
    const all = waiting(3)
    const { links, call } = await connect(() => 'accept')
    const calls = [call(), call(), call()]
    await all()
    await expect.poll(() => links.length).toBe(1)
    await fillIn(links[0] ?? '', 'alice', { pat: SECRET })
    expect(await Promise.all(calls)).toEqual([ANSWER, ANSWER, ANSWER])
    expect(links).toHaveLength(1)
  })

  test.each(['decline', 'cancel'] as const)('the one answer, %s, ends them all', async (action) => {
    const all = waiting(2)
    const { links, call } = await connect(async () => {
      await all()
      return action
    })
    const texts = await Promise.all([call(), call()])
    for (const { text, isError } of texts) {
      expect(isError).toBe(true)
      expect(text).toContain(action === 'decline' ? 'You declined' : 'was closed')
      expect(linkIn(text)).toBe(action === 'decline' ? '' : links[0])
    }
    expect(links).toHaveLength(1)
  })

  test('if the call that asked is cancelled before its user answered, another one asks', async () => {
    const all = waiting(2)
    const firstGone = new AbortController()
    let asked = 0
    const { links, call } = await connect((link) => {
      asked += 1
      if (asked === 1) return new Promise<Action>(() => undefined)
      void fillIn(link, 'alice', { pat: SECRET })
      return 'accept'
    })
    const cancelled = call(firstGone.signal).catch(() => 'cancelled')
    await expect.poll(() => links.length).toBe(1)
    const other = call()
    await all()
    firstGone.abort()
    expect(await cancelled).toBe('cancelled')
    expect(await other).toEqual(ANSWER)
    expect(links).toHaveLength(2)
    expect(new Set(links).size).toBe(1)
  })

  test('another connection of the same client shows the link itself', async () => {
    const one = await connect(() => 'accept')
    const other = await connect(() => 'accept')
    const calls = [one.call(), other.call()]
    await expect.poll(() => [one.links.length, other.links.length]).toEqual([1, 1])
    expect(one.links).toEqual(other.links)
    await fillIn(one.links[0] ?? '', 'alice', { pat: SECRET })
    expect(await Promise.all(calls)).toEqual([ANSWER, ANSWER])
  })
})
