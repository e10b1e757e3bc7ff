import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'
import { openRawSession, type RawSession } from '../calls/raw-mcp-session.ts'

let harness: Harness
let alice: RawSession

beforeAll(async () => {
  harness = await startHarness()
  alice = await openRawSession(harness.baseUrl, await harness.identityProvider.issueAccessToken('alice'))
})
afterAll(() => harness.close())

/** RFC 9700 §2.3: each request is decided by the token that it carries, whatever an earlier one carried. */
test.each<[string, () => Promise<string>]>([
  [
    'for another audience',
    () => harness.identityProvider.issueAccessToken('alice', { claims: { aud: 'https://api.example.com' } }),
  ],
  ['that has expired', () => harness.identityProvider.issueAccessToken('alice', { expiresIn: -60 })],
  ['without an end', () => harness.identityProvider.issueAccessToken('alice', { claims: { exp: undefined } })],
  [
    'of another issuer',
    () => harness.identityProvider.issueAccessToken('alice', { claims: { iss: 'https://other.example.com' } }),
  ],
  ['without a subject', () => harness.identityProvider.issueAccessToken('alice', { claims: { sub: undefined } })],
  [
    'whose signature was cut off',
    async () => (await harness.identityProvider.issueAccessToken('alice')).replace(/[^.]*$/, ''),
  ],
])('a token %s is refused on an open session', async (_name, issue) => {
  const answer = await alice.send({ method: 'POST', token: await issue() })
  expect(answer.status).toBe(401)
  expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/)
  expect(answer.text).not.toContain('open to all')
  expect((await alice.send({ method: 'POST' })).status).toBe(200)
})

test('a token that lacks a scope is refused on an open session', async () => {
  const token = await harness.identityProvider.issueAccessToken('alice', { claims: { scope: 'something-else' } })
  const answer = await alice.send({ method: 'POST', token })
  expect(answer.status).toBe(403)
  expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
})

test('the session outlives its first token only with a fresh one', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    const token = await harness.identityProvider.issueAccessToken('alice', { expiresIn: 60 })
    const session = await openRawSession(harness.baseUrl, token)
    expect((await session.send({ method: 'POST' })).status).toBe(200)
    vi.setSystemTime(Date.now() + 120_000)
    expect((await session.send({ method: 'POST' })).status).toBe(401)
    const fresh = await harness.identityProvider.issueAccessToken('alice', { expiresIn: 600 })
    expect((await session.send({ method: 'POST', token: fresh })).status).toBe(200)
  } finally {
    vi.useRealTimers()
  }
})
