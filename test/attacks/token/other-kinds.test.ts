import { expect, test } from 'vitest'
import { identityUnderTest, openIdentity, refusal } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

test.each(['dpop+jwt', 'logout+jwt', 'secevent+jwt', 'oauth-authz-req+jwt', 'id_token+jwt', 7])(
  'a JWT of type %j for us is no access token',
  async (typ) => {
    const token = await under.provider.issueAccessToken('alice', { header: { typ: typ as string } })
    expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
      code: 'token_invalid',
      reason: 'type',
    })
  },
)

test.each([
  { typ: 'ID' },
  { typ: 'Refresh' },
  { typ: 'Offline' },
  { at_hash: 'x' },
  { c_hash: 'x' },
  { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
])('a JWT for us with %j is no access token', async (claims) => {
  const token = await under.provider.issueAccessToken('alice', { header: { typ: 'JWT' }, claims })
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
    code: 'token_invalid',
    reason: 'type',
  })
})

test.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'JWT', 'jwt', undefined])('type %j is accepted', async (typ) => {
  const token = await under.provider.issueAccessToken('alice', { header: { typ } as { typ: string } })
  expect(await under.identity.verifyToken(token)).toMatchObject({ subject: 'alice' })
})

test('requireTokenType accepts at+jwt only', async () => {
  const identity = await openIdentity({ issuer: under.provider.issuer, clientId: 'form', requireTokenType: true })
  expect(await identity.verifyToken(await under.provider.issueAccessToken('alice'))).toMatchObject({ subject: 'alice' })
  for (const typ of ['JWT', undefined]) {
    const token = await under.provider.issueAccessToken('alice', { header: { typ } as { typ: string } })
    expect(await refusal(identity.verifyToken(token), token)).toMatchObject({ reason: 'type' })
  }
})
