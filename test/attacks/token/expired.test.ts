import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type IdentityUnderTest, refusal, startIdentity } from '../../harness/identity/opened-identity.ts'

let under: IdentityUnderTest
beforeAll(async () => {
  under = await startIdentity({ clockToleranceSeconds: 30 })
})
afterAll(() => under.provider.close())
// The clock stands still, so that the edges are exact.
beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => vi.useRealTimers())

const now = () => Math.floor(Date.now() / 1_000)

test('a token is refused from the second on at which the tolerance ends', async () => {
  const last = await under.provider.issueAccessToken('alice', { expiresIn: -29 })
  expect(await under.identity.verifyToken(last)).toMatchObject({ subject: 'alice' })
  const over = await under.provider.issueAccessToken('alice', { expiresIn: -30 })
  expect(await refusal(under.identity.verifyToken(over), over)).toMatchObject({
    code: 'token_invalid',
    reason: 'expired',
  })
})

test('a token that was good is refused later', async () => {
  const token = await under.provider.issueAccessToken('alice', { expiresIn: 60 })
  expect(await under.identity.verifyToken(token)).toMatchObject({ subject: 'alice' })
  vi.setSystemTime(Date.now() + 91_000)
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({ reason: 'expired' })
})

test('a token without an end is refused', async () => {
  const token = await under.provider.issueAccessToken('alice', { claims: { exp: undefined } })
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
    code: 'token_invalid',
    reason: 'expiry_missing',
  })
})

test.each(['nbf', 'iat'])('a token whose %s lies ahead is refused beyond the tolerance', async (claim) => {
  const near = await under.provider.issueAccessToken('alice', { claims: { [claim]: now() + 30 } })
  expect(await under.identity.verifyToken(near)).toMatchObject({ subject: 'alice' })
  const far = await under.provider.issueAccessToken('alice', { claims: { [claim]: now() + 31 } })
  expect(await refusal(under.identity.verifyToken(far), far)).toMatchObject({
    code: 'token_invalid',
    reason: 'not_yet_valid',
  })
})

test.each(['exp', 'nbf', 'iat'])('a token whose %s is no number is refused', async (claim) => {
  const token = await under.provider.issueAccessToken('alice', { claims: { [claim]: '4000000000' } })
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
    code: 'token_invalid',
    reason: 'malformed',
  })
})
