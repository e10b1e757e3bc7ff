import { expect, test } from 'vitest'
import {
  FORM_CLIENT,
  identityUnderTest,
  openIdentity,
  realTokens,
  refusal,
} from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

test('the ID token of a real login is no access token', async () => {
  const { id_token } = await realTokens(under, 'alice')
  expect(await refusal(under.identity.verifyToken(id_token), id_token)).toMatchObject({
    code: 'token_invalid',
    reason: 'audience',
  })
})

test('it is none even where the login client is the audience', async () => {
  const identity = await openIdentity({ issuer: under.provider.issuer, clientId: FORM_CLIENT, audience: FORM_CLIENT })
  const { id_token } = await realTokens(under, 'alice')
  expect(await refusal(identity.verifyToken(id_token), id_token)).toMatchObject({
    code: 'token_invalid',
    reason: 'type',
  })
  const bare = await under.provider.issueAccessToken('alice', {
    audience: FORM_CLIENT,
    header: { typ: 'JWT' },
    claims: { scope: undefined },
  })
  expect(await refusal(identity.verifyToken(bare), bare)).toMatchObject({ reason: 'type' })
  const access = await under.provider.issueAccessToken('alice', { audience: FORM_CLIENT, header: { typ: 'JWT' } })
  expect(await identity.verifyToken(access)).toMatchObject({ subject: 'alice' })
})

test('the access token of the same login is one', async () => {
  const { access_token } = await realTokens(under, 'alice')
  expect(await under.identity.verifyToken(access_token)).toMatchObject({ subject: 'alice', clientId: FORM_CLIENT })
})
