import { expect, test } from 'vitest'
import { makeSigningKey } from '../../harness/identity/identity-provider.ts'
import { identityUnderTest, refusal } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

test("a stranger's key under our key's name does not verify", async () => {
  const key = { ...(await makeSigningKey()), kid: under.provider.signingKey.kid ?? '' }
  const token = await under.provider.issueAccessToken('alice', { key })
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
    code: 'token_invalid',
    reason: 'signature',
  })
})

test("a stranger's key under its own name is unknown", async () => {
  const token = await under.provider.issueAccessToken('alice', { key: await makeSigningKey() })
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
    code: 'token_invalid',
    reason: 'key_unknown',
  })
})

test("a stranger's key without a name does not verify", async () => {
  const { kid: _, ...key } = await makeSigningKey()
  const token = await under.provider.issueAccessToken('alice', { key })
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
    code: 'token_invalid',
    reason: 'signature',
  })
})
