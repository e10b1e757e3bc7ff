import { expect, test } from 'vitest'
import { identityUnderTest } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

// `vault.verifyToken` is public. What one caller changes of its answer must not be what the bearer gate believes for the next minute.
test('a caller that changes the person it was told changes nothing for the next request', async () => {
  // The first token of all has the key set read.
  await under.identity.verifyToken(await under.provider.issueAccessToken('bob'))
  const token = await under.provider.issueAccessToken('alice', { expiresIn: 3600 })
  const first = await under.identity.verifyToken(token)
  const before = { ...first, scopes: [...first.scopes] }
  Reflect.set(first, 'subject', 'bob')
  Reflect.set(first.scopes, first.scopes.length, 'admin')
  expect(await under.identity.verifyToken(token)).toEqual(before)
})
