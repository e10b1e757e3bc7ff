import { afterEach, expect, test, vi } from 'vitest'
import { makeSigningKey } from '../../harness/identity/identity-provider.ts'
import { identityUnderTest, refusal } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()
afterEach(() => vi.useRealTimers())

test('fifty tokens by unknown keys cause at most one fetch of the key set in thirty seconds', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  await under.identity.verifyToken(await under.provider.issueAccessToken('alice'))
  const before = under.provider.requestsFor('/jwks')
  const key = await makeSigningKey()
  const flood = async () => {
    for (let number = 0; number < 50; number += 1) {
      const token = await under.provider.issueAccessToken('mallory', { key: { ...key, kid: `unknown-${number}` } })
      expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({ reason: 'key_unknown' })
    }
  }
  await flood()
  expect(under.provider.requestsFor('/jwks') - before).toBe(0)
  vi.setSystemTime(Date.now() + 31_000)
  await flood()
  expect(under.provider.requestsFor('/jwks') - before).toBe(1)
})

test('fifty unknown keys at the same moment cause one fetch', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  await under.identity.verifyToken(await under.provider.issueAccessToken('alice'))
  vi.setSystemTime(Date.now() + 62_000)
  const before = under.provider.requestsFor('/jwks')
  const key = await makeSigningKey()
  const tokens = await Promise.all(
    Array.from({ length: 50 }, (_, number) =>
      under.provider.issueAccessToken('mallory', { key: { ...key, kid: `at-once-${number}` } }),
    ),
  )
  await Promise.all(tokens.map((token) => refusal(under.identity.verifyToken(token), token)))
  expect(under.provider.requestsFor('/jwks') - before).toBe(1)
})
