import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestIdentityProvider } from '../../harness/identity/identity-provider.ts'
import {
  type IdentityUnderTest,
  refusal,
  startFormProvider,
  startIdentity,
} from '../../harness/identity/opened-identity.ts'

let under: IdentityUnderTest
let stranger: TestIdentityProvider
beforeAll(async () => {
  under = await startIdentity()
  stranger = await startFormProvider()
})
afterAll(() => Promise.all([under.provider.close(), stranger.close()]))

test('a token of another identity provider is refused and that provider is never asked', async () => {
  const token = await stranger.issueAccessToken('alice')
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
    code: 'token_invalid',
    reason: 'issuer',
  })
  expect(stranger.requestsFor()).toBe(0)
})

test("another provider's token that claims our issuer is refused", async () => {
  const token = await stranger.issueAccessToken('alice', { issuer: under.provider.issuer })
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
    code: 'token_invalid',
    reason: 'key_unknown',
  })
})

test('no other spelling of our issuer is ours, even when signed by our key', async () => {
  const { issuer } = under.provider
  for (const spelling of [
    `${issuer}/`,
    issuer.toUpperCase(),
    issuer.replace('127.0.0.1', 'localhost'),
    `${issuer}#`,
    '',
  ]) {
    const token = await under.provider.issueAccessToken('alice', { issuer: spelling })
    expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
      code: 'token_invalid',
      reason: 'issuer',
    })
  }
  const listed = await under.provider.issueAccessToken('alice', { claims: { iss: [issuer] as unknown as string } })
  expect(await refusal(under.identity.verifyToken(listed), listed)).toMatchObject({
    code: 'token_invalid',
    reason: 'issuer',
  })
})
