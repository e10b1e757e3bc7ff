import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateKeyText, parseKey } from '../../../src/core/crypto/key-text.ts'
import { createSealer, type SealPurpose } from '../../../src/core/crypto/seal.ts'
import { stateBinding } from '../../../src/core/gate/call-state.ts'
import { fillIn } from '../../harness/mcp-harness.ts'
import { type ProxyHarness, startProxyBefore, TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { connectRepeating } from '../../harness/proxy/repeating-client.ts'
import { type RepeatingServer, startRepeatingServer } from '../../harness/proxy/repeating-surface.ts'
import { type RawAnswer, type RawLeg, rawLeg } from '../../harness/sdk-v2.ts'

const LATER = 10 * 60_000
const webKey = generateKeyText()
const FORMS = { capabilities: { elicitation: {} } }
const TWICE: RawLeg = { ...FORMS, tool: 'twice', args: { what: 'now' } }
const ANSWER = { step0: { action: 'accept', content: { name: 'Ada' } } }

let proxy: ProxyHarness<RepeatingServer>
let tokens: Record<'alice' | 'bob' | 'otherClient', string>
/** What the upstream sent as its own state. */
let plain: string
let sealed: string

beforeAll(async () => {
  // The second upstream is the same server with the same credential.
  proxy = await startProxyBefore(startRepeatingServer, {
    vault: { webKey },
    others: {
      second: {
        credential: { provider: 'gitlab', variables: { pat: { label: 'Personal access token', type: 'password' } } },
      },
    },
  })
  const { identityProvider } = proxy.harness
  tokens = {
    alice: await identityProvider.issueAccessToken('alice', { clientId: 'editor' }),
    bob: await identityProvider.issueAccessToken('bob', { clientId: 'editor' }),
    otherClient: await identityProvider.issueAccessToken('alice', { clientId: 'another-client' }),
  }
  for (const user of ['alice', 'bob'] as const) {
    const fill = async (link: string) => void (await fillIn(link, user, { pat: TOKENS[user] }))
    const { client } = await connectRepeating(proxy.url, tokens[user], fill)
    await client.callTool({ name: 'who_am_i' })
    await client.close()
  }
  plain = (await rawLeg(proxy.upstream.url, TOKENS.alice, TWICE)).result?.requestState ?? ''
  sealed = (await rawLeg(proxy.url, tokens.alice, TWICE)).result?.requestState ?? ''
})
afterAll(() => proxy.close())

const reached = () => proxy.upstream.received.filter(({ body }) => body.includes('"tools/call"')).length

function leg(changes: Partial<RawLeg> = {}, token = tokens.alice, url = proxy.url): Promise<RawAnswer> {
  return rawLeg(url, token, { ...TWICE, requestState: sealed, inputResponses: ANSWER, ...changes })
}

test('the state that the others differ from is the call’s own: the upstream goes on', async () => {
  expect((await leg()).result?.inputRequests?.['step1']).toBeDefined()
  const { body } = proxy.upstream.received.at(-1) ?? { body: '' }
  expect(JSON.parse(body).params.requestState).toMatch(/^v1\./)
})

test("a client can neither read the upstream's state nor find it in its own", () => {
  expect(plain).toMatch(/^v1\./)
  expect(sealed).toMatch(/^mcvp1\.[\w-]+$/)
  const text = `${sealed}${Buffer.from(sealed.slice(6), 'base64url').toString('latin1')}`
  for (const part of plain.split('.').slice(1)) expect(text).not.toContain(part)
})

const flipped = (text: string, at: number) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)

test.each<[string, () => Promise<RawAnswer>]>([
  ['of its first byte', () => leg({ requestState: flipped(sealed, 6) })],
  ['in the middle', () => leg({ requestState: flipped(sealed, Math.floor(sealed.length / 2)) })],
  ['of its last byte', () => leg({ requestState: flipped(sealed, sealed.length - 2) })],
  ['cut off', () => leg({ requestState: sealed.slice(0, -8) })],
  ['with its prefix lost', () => leg({ requestState: sealed.slice(6) })],
  ['empty', () => leg({ requestState: '' })],
  ['a number', () => leg({ requestState: 7 as never })],
  ["the upstream's own, as it sent it", () => leg({ requestState: plain })],
  ['for other arguments', () => leg({ args: { what: 'later' } })],
  ['for another tool', () => leg({ tool: 'again', args: {} })],
  ['for a prompt', () => leg({ method: 'prompts/get', tool: 'asking' })],
  ['by another client of Alice', () => leg({}, tokens.otherClient)],
  ['by Bob', () => leg({}, tokens.bob)],
  [
    'at another upstream with the same credential',
    () => leg({}, tokens.alice, proxy.url.replace('/gitlab/', '/second/')),
  ],
])('a state %s is refused, and nothing reaches the upstream', async (_, attempt) => {
  const before = reached()
  const { error, result } = await attempt()
  expect(result).toBeUndefined()
  expect(error).toMatchObject({ code: -32_602, message: expect.stringContaining('requestState is not of this call') })
  expect(reached()).toBe(before)
})

interface Parts {
  readonly key: string
  readonly purpose: SealPurpose
  readonly binding: string
  readonly upstream: string
  readonly subject: string
  readonly expiresAt: number
  readonly state: object
}

function made(changes: Partial<Parts> = {}): string {
  const parts: Parts = {
    ...{ key: webKey, purpose: 'call-state', binding: 'state at an upstream: ', upstream: 'gitlab', subject: 'alice' },
    ...{ expiresAt: Date.now() + LATER, state: { upstream: plain } },
    ...changes,
  }
  const user = { issuer: proxy.harness.identityProvider.issuer, subject: parts.subject, clientId: 'editor' }
  const asked = { upstream: parts.upstream, method: 'tools/call', asked: { name: 'twice', arguments: { what: 'now' } } }
  const binding = `${parts.binding}${stateBinding({ user, kind: 'tool', tool: 'twice' }, asked)}`
  const sealer = createSealer(parseKey(parts.key, 'the test'))
  return `mcvp1.${sealer.seal(parts.purpose, parts.state, parts.expiresAt, binding)}`
}

test('a state that is sealed with everything right is the one that the others differ from', async () => {
  expect((await leg({ requestState: made() })).result?.inputRequests?.['step1']).toBeDefined()
})

test.each<[string, Partial<Parts> | (() => Partial<Parts>)]>([
  ['lapsed', () => ({ expiresAt: Date.now() - 1 })],
  ['sealed with another key', { key: generateKeyText() }],
  ['sealed for a reference', { purpose: 'reference' }],
  ['of the gate, not of an upstream', { binding: '' }],
  ['of another upstream', { upstream: 'second' }],
  ['of Bob', { subject: 'bob' }],
  ['without a state inside', { state: {} }],
  ['with a field more', { state: { upstream: 'x', admin: true } }],
  ['with a state of another type', { state: { upstream: 7 } }],
])('a state %s is refused', async (_, changes) => {
  const before = reached()
  const requestState = made(typeof changes === 'function' ? changes() : changes)
  expect((await leg({ requestState })).error).toMatchObject({ code: -32_602 })
  expect(reached()).toBe(before)
})

test("a state of the gate at another upstream with the same credential counts as none, and so does one that only looks like the gate's", async () => {
  const carol = await proxy.harness.identityProvider.issueAccessToken('carol')
  const ask = (url: string, requestState?: string) =>
    rawLeg(url, carol, { ...TWICE, capabilities: { elicitation: { url: {} } }, requestState })
  const first = await ask(proxy.url)
  expect(first.result?.inputRequests?.['credential:gitlab']).toBeDefined()
  for (const state of [first.result?.requestState, 'mcv1.AAAA']) {
    const asked = await ask(proxy.url.replace('/gitlab/', '/second/'), state)
    expect(asked.result?.inputRequests?.['credential:gitlab']).toBeDefined()
  }
})

test("an answer under the gate's key does not reach the upstream", async () => {
  await leg({ inputResponses: { ...ANSWER, 'credential:gitlab': { action: 'accept' } } })
  const { body } = proxy.upstream.received.at(-1) ?? { body: '' }
  expect(JSON.parse(body).params.inputResponses).toEqual(ANSWER)
})
