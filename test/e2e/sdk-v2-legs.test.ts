import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { httpBrowser } from '../../examples/tickets/http-browser.ts'
import { holdClock } from '../harness/hold-clock.ts'
import { fillIn, linkIn, openForm } from '../harness/mcp-harness.ts'
import { ACCEPTED, type HarnessV2, KEY, type RawAnswer, rawLeg, startHarnessV2 } from '../harness/sdk-v2.ts'
import { seriesValue, type TestTelemetry, testTelemetry } from '../harness/telemetry.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const ANSWER = { text: `a secret of ${SECRET.length} characters`, isError: false }

let harness: HarnessV2
let telemetry: TestTelemetry
beforeAll(async () => {
  telemetry = testTelemetry()
  harness = await startHarnessV2({ telemetry: telemetry.options, linkTtlSeconds: 600 })
})
afterEach(async () => {
  vi.useRealTimers()
  await harness.forget('alice')
})
afterAll(async () => {
  await harness.close()
  await telemetry.close()
})

const url = () => `${harness.baseUrl}/mcp`
const tokenOf = (user = 'alice') => harness.identityProvider.issueAccessToken(user, {})
const linkOf = ({ result }: RawAnswer) => result?.inputRequests?.[KEY]?.params.url ?? ''
const linesSince = (at: number) => harness.audit.events.slice(at)
const requestedSince = (at: number) => linesSince(at).filter(({ type }) => type === 'credential.requested')
const waiting = async () => seriesValue(await telemetry.scrape(), 'credential_vault_waits') ?? 0

test('a user who takes 70 s is asked once, in one collection with one correlation id over all legs', async () => {
  const clock = holdClock()
  const before = harness.audit.events.length
  const legs: { state: boolean; answered: boolean }[] = []
  const alice = await harness.connectV2('alice', {
    onLink: () => 'accept',
    fetch: (input, init) => {
      const { method, params } = JSON.parse(String(init?.body ?? '{}'))
      if (method === 'tools/call')
        legs.push({ state: params.requestState !== undefined, answered: params.inputResponses !== undefined })
      return fetch(input, init)
    },
  })
  const call = alice.text('read_secret')
  await clock.pass()
  // 45 s have passed; in the next leg she fills in the form.
  await expect.poll(() => clock.begun()).toBe(2)
  await fillIn(alice.links[0] ?? '', 'alice', { pat: SECRET })
  expect(await call).toEqual(ANSWER)

  expect(alice.links).toHaveLength(1)
  expect(legs).toEqual([
    { state: false, answered: false },
    { state: true, answered: true },
    { state: true, answered: false },
  ])
  const [requested, ...others] = requestedSince(before)
  expect(others).toEqual([])
  const ofCall = linesSince(before).filter(({ type }) => /^credential\.(requested|resolved|used)$/.test(type))
  expect(ofCall.length).toBeGreaterThan(1)
  expect(new Set(ofCall.map(({ correlationId }) => correlationId))).toEqual(new Set([requested?.correlationId]))
})

test('a client that is gone in a hold no longer counts as waiting', async () => {
  const token = await tokenOf()
  const asked = await rawLeg(url(), token)
  const gone = new AbortController()
  const { requestState } = asked.result ?? {}
  const leg = rawLeg(url(), token, { requestState, inputResponses: ACCEPTED, signal: gone.signal })
  await expect.poll(waiting).toBe(1)
  gone.abort()
  await expect(leg).rejects.toThrow()
  await expect.poll(waiting).toBe(0)
  // The link is still good, for the call that the client makes next.
  await fillIn(linkOf(asked), 'alice', { pat: SECRET })
  expect((await rawLeg(url(), token)).result?.content?.[0]?.text).toBe(ANSWER.text)
})

/** How a request ends between two legs, and what the next leg says. */
const ENDS: Readonly<Record<string, { end(asked: RawAnswer): Promise<unknown>; says: string }>> = {
  cancelled: {
    async end(asked) {
      const browser = httpBrowser()
      await browser.press(await openForm(browser, linkOf(asked), 'alice'), 'Cancel')
    },
    says: 'was cancelled on the form',
  },
  declined: {
    async end(asked) {
      const { requestState } = asked.result ?? {}
      await rawLeg(url(), await tokenOf(), { requestState, inputResponses: { [KEY]: { action: 'decline' } } })
    },
    says: 'You declined',
  },
  expired: {
    async end() {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 601_000 })
    },
    says: 'has expired',
  },
}

test.each(Object.entries(ENDS))(
  'a request that is %s between two legs ends the call with a text: nothing is held, and there is no new link',
  async (_name, { end, says }) => {
    const clock = holdClock()
    const token = await tokenOf()
    const before = harness.audit.events.length
    const runs = harness.runs.get('read_secret')
    const asked = await rawLeg(url(), token)
    const held = rawLeg(url(), token, { requestState: asked.result?.requestState, inputResponses: ACCEPTED })
    await clock.pass()
    const { requestState } = (await held).result ?? {}
    expect(requestState).toBeDefined()
    await end(asked)

    const { result } = await rawLeg(url(), await tokenOf(), { requestState })
    expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining(says) }] })
    expect(linkIn(result?.content?.[0]?.text ?? '')).toBe('')
    expect(result?.inputRequests).toBeUndefined()
    expect(clock.begun()).toBe(1)
    expect(requestedSince(before)).toHaveLength(1)
    expect(harness.runs.get('read_secret')).toBe(runs)
  },
)
