import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type OpaqueTokens, startOpaqueTokens } from '../../harness/identity/opaque-tokens.ts'
import { refusal } from '../../harness/identity/opened-identity.ts'

let under: OpaqueTokens
beforeAll(async () => {
  under = await startOpaqueTokens()
})
afterAll(() => under.provider.close())

const REVOKED = { code: 'token_invalid', reason: 'inactive' }

test('an opaque token that was revoked is refused once the cache is over, and every time after', async () => {
  const identity = await under.open({ cacheSeconds: 60 })
  const token = await under.issue('alice')
  expect(await identity.verifyToken(token)).toMatchObject({ subject: 'alice' })
  await under.revoke(token)
  expect(await identity.verifyToken(token)).toMatchObject({ subject: 'alice' })
  vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ['Date'] })
  try {
    expect(await refusal(identity.verifyToken(token), token)).toMatchObject(REVOKED)
    expect(await refusal(identity.verifyToken(token), token)).toMatchObject(REVOKED)
  } finally {
    vi.useRealTimers()
  }
})

test('without a cache it is refused at once', async () => {
  const token = await under.issue('bob')
  expect(await under.identity.verifyToken(token)).toMatchObject({ subject: 'bob' })
  await under.revoke(token)
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject(REVOKED)
})

test('somebody who revokes a token keeps its owner from nothing else', async () => {
  const [one, other] = [await under.issue('alice'), await under.issue('alice')]
  await under.revoke(one)
  expect(await under.identity.verifyToken(other)).toMatchObject({ subject: 'alice' })
})
