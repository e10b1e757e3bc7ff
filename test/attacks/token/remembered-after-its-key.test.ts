import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { identityUnderTest, refusal } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** A token that is accepted without another look at its signature. */
async function rememberedToken(): Promise<string> {
  // The first token of all has the key set read.
  await under.identity.verifyToken(await under.provider.issueAccessToken('bob'))
  const token = await under.provider.issueAccessToken('alice', { expiresIn: 3600 })
  const signatures = vi.spyOn(crypto.subtle, 'verify')
  await under.identity.verifyToken(token)
  await under.identity.verifyToken(token)
  expect(signatures).toHaveBeenCalledTimes(1)
  return token
}

test('a remembered token is refused once the key set no longer has its key', async () => {
  const stolen = await rememberedToken()
  await under.provider.rotateKeys()
  vi.setSystemTime(Date.now() + 31_000)
  await under.identity.verifyToken(await under.provider.issueAccessToken('bob', { expiresIn: 3600 }))
  expect(await refusal(under.identity.verifyToken(stolen), stolen)).toMatchObject({ reason: 'key_unknown' })
})

test('a remembered token is not accepted for longer than the key set is used', async () => {
  // Whatever set there was is too old.
  vi.setSystemTime(Date.now() + 700_000)
  await rememberedToken()
  vi.setSystemTime(Date.now() + 590_000)
  const stolen = await under.provider.issueAccessToken('alice', { expiresIn: 3600 })
  await under.identity.verifyToken(stolen)
  await under.identity.verifyToken(stolen)
  under.provider.stopAnswering({ path: '/jwks' })
  vi.setSystemTime(Date.now() + 11_000)
  expect(await refusal(under.identity.verifyToken(stolen), stolen)).toMatchObject({ code: 'unavailable' })
})
