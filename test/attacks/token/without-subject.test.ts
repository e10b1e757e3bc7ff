import { expect, test } from 'vitest'
import { identityUnderTest, openIdentity, refusal } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

test.each([undefined, null, ''])('a token whose sub is %j names nobody', async (sub) => {
  const token = await under.provider.issueAccessToken('alice', { claims: { sub } })
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
    code: 'token_invalid',
    reason: 'subject_missing',
  })
})

test.each([[7], [['alice']], [{ toString: 'alice' }], ['a'.repeat(256)], ['alice\n'], ['\uD800'], [true]])(
  'a token whose sub is %j names nobody reliably',
  async (sub) => {
    const token = await under.provider.issueAccessToken('alice', { claims: { sub } })
    const error = await refusal(under.identity.verifyToken(token), token)
    expect(error).toMatchObject({ code: 'token_invalid', reason: 'subject_malformed' })
  },
)

test('without the configured claim, sub is no substitute', async () => {
  const identity = await openIdentity({ issuer: under.provider.issuer, clientId: 'form', subjectClaim: 'oid' })
  const token = await under.provider.issueAccessToken('alice')
  expect(await refusal(identity.verifyToken(token), token)).toMatchObject({ reason: 'subject_missing' })
  const inherited = await openIdentity({ issuer: under.provider.issuer, clientId: 'form', subjectClaim: 'constructor' })
  expect(await refusal(inherited.verifyToken(token), token)).toMatchObject({ reason: 'subject_missing' })
})
