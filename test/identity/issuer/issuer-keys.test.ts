import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { advanceClock } from '../../harness/advance-clock.ts'
import { metadataOf, startFakeIssuer } from '../../harness/identity/fake-issuer.ts'
import { makeSigningKey } from '../../harness/identity/identity-provider.ts'
import {
  FORM_CLIENT,
  type IdentityUnderTest,
  openIdentity,
  refusal,
  startIdentity,
} from '../../harness/identity/opened-identity.ts'

let under: IdentityUnderTest
beforeEach(async () => {
  under = await startIdentity()
})
afterEach(async () => {
  vi.useRealTimers()
  await under.provider.close()
})

test('a token without a key name is tried with every key', async () => {
  await under.provider.rotateKeys({ keepFormer: true })
  await under.provider.rotateKeys({ keepFormer: true })
  const { kid: _, ...key } = under.provider.signingKey
  const token = await under.provider.issueAccessToken('alice', { key })
  expect(await under.identity.verifyToken(token)).toMatchObject({ subject: 'alice' })
  const { kid: __, ...foreign } = await makeSigningKey()
  const forged = await under.provider.issueAccessToken('alice', { key: foreign })
  expect(await refusal(under.identity.verifyToken(forged), forged)).toMatchObject({ reason: 'signature' })
  const expired = await under.provider.issueAccessToken('alice', { key, expiresIn: -100 })
  expect(await refusal(under.identity.verifyToken(expired), expired)).toMatchObject({ reason: 'expired' })
})

test("the issuer's new key is accepted once the cool-down allows a fetch", async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  await under.identity.verifyToken(await under.provider.issueAccessToken('alice'))
  await under.provider.rotateKeys()
  const token = await under.provider.issueAccessToken('alice')
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({ reason: 'key_unknown' })
  vi.setSystemTime(Date.now() + 31_000)
  expect(await under.identity.verifyToken(token)).toMatchObject({ subject: 'alice' })
  expect(under.provider.requestsFor('/jwks')).toBe(2)
})

test.each(['status', 'drop'] as const)(
  'while the key set cannot be read (%s), a token is neither good nor bad',
  async (how) => {
    under.provider.stopAnswering({ path: '/jwks', how })
    const token = await under.provider.issueAccessToken('alice')
    const error = await refusal(under.identity.verifyToken(token), token)
    expect(error).toMatchObject({ code: 'unavailable', retryable: true })
    under.provider.startAnswering()
    // A failure is not tried again for a second.
    advanceClock(1_000)
    expect(await under.identity.verifyToken(token)).toMatchObject({ subject: 'alice' })
  },
)

test('known keys carry on through an outage; an unknown one is then undecided, not bad', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const good = await under.provider.issueAccessToken('alice')
  await under.identity.verifyToken(good)
  under.provider.stopAnswering()
  vi.setSystemTime(Date.now() + 60_000)
  expect(await under.identity.verifyToken(good)).toMatchObject({ subject: 'alice' })
  const unknown = await under.provider.issueAccessToken('alice', { key: await makeSigningKey() })
  expect(await refusal(under.identity.verifyToken(unknown), unknown)).toMatchObject({ code: 'unavailable' })
})

test('a key set that is none is unavailable', async () => {
  for (const body of ['<html>', { keys: 'none' }, []]) {
    const server = await startFakeIssuer((issuer) => ({
      '/.well-known/openid-configuration': { body: metadataOf(issuer) },
      '/jwks': { body },
    }))
    const identity = await openIdentity({ issuer: server.issuer, clientId: FORM_CLIENT })
    const token = await under.provider.issueAccessToken('alice', { issuer: server.issuer })
    expect(await refusal(identity.verifyToken(token), token)).toMatchObject({ code: 'unavailable' })
    await server.close()
  }
})
