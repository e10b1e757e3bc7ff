import { afterAll, beforeAll, expect, test } from 'vitest'
import { holdClock } from '../../harness/hold-clock.ts'
import { type ProxyHarness, startProxyHarness } from '../../harness/proxy/proxy-harness.ts'
import { registerWholeSurface } from '../../harness/proxy/whole-surface.ts'
import { type RawAnswer, type RawLeg, rawLeg } from '../../harness/sdk-v2.ts'

const ELICIT: RawLeg = { tool: 'elicit', capabilities: { elicitation: {} } }
const ANSWER = { upstream: { action: 'accept', content: { name: 'of the attacker' } } }

let proxy: ProxyHarness
let tokens: Record<'alice' | 'bob' | 'otherClient', string>

beforeAll(async () => {
  proxy = await startProxyHarness({ upstream: { register: registerWholeSurface } })
  const { identityProvider } = proxy.harness
  tokens = {
    alice: await identityProvider.issueAccessToken('alice'),
    bob: await identityProvider.issueAccessToken('bob'),
    otherClient: await identityProvider.issueAccessToken('alice', { clientId: 'another-client' }),
  }
  for (const user of ['alice', 'bob'] as const) await (await proxy.connectAndFill(user)).text('who_am_i')
})
afterAll(() => proxy.close())

const answers = () => proxy.upstream.received.filter(({ body }) => body.includes('of the attacker')).length
const ask = () => rawLeg(proxy.url, tokens.alice, ELICIT)
const leg = (state: string | undefined, changes: Partial<RawLeg> = {}, token = tokens.alice): Promise<RawAnswer> =>
  rawLeg(proxy.url, token, { ...ELICIT, requestState: state, inputResponses: ANSWER, ...changes })

test.each<[string, (state: string | undefined) => Promise<RawAnswer>]>([
  ['Bob', (state) => leg(state, {}, tokens.bob)],
  ['another client of Alice', (state) => leg(state, {}, tokens.otherClient)],
  ['a call of another tool', (state) => leg(state, { tool: 'sample' })],
  ['a call with other arguments', (state) => leg(state, { args: { more: true } })],
  ['a state that was changed', (state = '') => leg(`${state.slice(0, -6)}AAAAAA`)],
])('%s cannot answer the question of Alice, and she still can', async (_, attempt) => {
  const asked = await ask()
  expect(asked.result?.inputRequests?.['upstream']).toBeDefined()
  const before = answers()
  expect((await attempt(asked.result?.requestState)).error).toMatchObject({ code: -32_602 })
  expect(answers()).toBe(before)
  const own = { upstream: { action: 'accept', content: { name: 'Ada' } } }
  const { result } = await leg(asked.result?.requestState, { inputResponses: own })
  expect(result?.content?.[0]?.text).toContain('Ada')
})

test('a question is answered once: the same state again is a plain error, and nothing reaches the upstream', async () => {
  const asked = await ask()
  await leg(asked.result?.requestState)
  const before = proxy.upstream.received.length
  const { result } = await leg(asked.result?.requestState)
  expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('within 45 seconds') }] })
  expect(proxy.upstream.received).toHaveLength(before)
})

test('a client that comes back without the answer is asked again, and its older state is of no use', async () => {
  const asked = await ask()
  const again = await leg(asked.result?.requestState, { inputResponses: { other: { action: 'accept' } } })
  expect(again.result?.inputRequests).toEqual(asked.result?.inputRequests)
  expect((await leg(asked.result?.requestState)).result?.isError).toBe(true)
  expect((await leg(again.result?.requestState)).result?.content?.[0]?.text).toContain('of the attacker')
})

test('a question that nobody answers in time ends the call, and the upstream is told', async () => {
  const clock = holdClock()
  const asked = await ask()
  await clock.pass()
  await expect
    .poll(() => proxy.upstream.received.some(({ body }) => body.includes('notifications/cancelled')))
    .toBe(true)
  const { result } = await leg(asked.result?.requestState)
  expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('Call again') }] })
})

test('no more than 16 calls of one user wait for answers, and others still run', async () => {
  const waiting: RawAnswer[] = []
  for (let at = 0; at < 20; at += 1) waiting.push(await ask())
  const refused = waiting.filter(({ result }) => result?.isError)
  expect(refused.length).toBeGreaterThanOrEqual(4)
  expect(JSON.stringify(refused[0])).toContain('Too many calls')
  for (const token of [tokens.alice, tokens.bob])
    expect((await rawLeg(proxy.url, token, { tool: 'who_am_i' })).result?.content?.[0]?.text).toMatch(/^You are/)
})
