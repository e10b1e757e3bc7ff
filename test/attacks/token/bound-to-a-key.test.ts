import { expect, onTestFinished, test } from 'vitest'
import { metadataOf, startFakeIssuer } from '../../harness/identity/fake-issuer.ts'
import {
  FORM_CLIENT,
  identityUnderTest,
  openIdentity,
  RESOURCE,
  refusal,
} from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

// RFC 7800, 8705 and 9449: whoever sends such a token has to prove that they have the key, which no bearer request does.
const CONFIRMATIONS = [
  ['DPoP', { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' }],
  ['mutual TLS', { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' }],
  ['a key in it', { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' } }],
  ['a method that nobody knows', { 'x-later': 'x' }],
  ['nothing', {}],
  ['no object', 'jkt'],
] as const

test.each(CONFIRMATIONS)(
  'row j: a stolen JWT that is bound by %s does not open the server as plain bearer',
  async (_, cnf) => {
    const token = await under.provider.issueAccessToken('alice', { claims: { cnf } })
    expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
      code: 'token_invalid',
      reason: 'bound_token',
    })
    expect(await under.identity.verifyToken(await under.provider.issueAccessToken('alice'))).toMatchObject({
      subject: 'alice',
    })
  },
)

async function introspecting(answer: Readonly<Record<string, unknown>>) {
  const exp = Math.floor(Date.now() / 1000) + 300
  const fake = await startFakeIssuer((iss) => ({
    '/.well-known/oauth-authorization-server': {
      body: metadataOf(iss, { introspection_endpoint: `${iss}/introspect` }),
    },
    '/introspect': { body: { active: true, iss, sub: 'alice', aud: RESOURCE, exp, client_id: 'c', ...answer } },
  }))
  onTestFinished(() => fake.close())
  const introspection = { clientId: 'server', clientSecret: 'secret' }
  return openIdentity({ issuer: fake.issuer, clientId: FORM_CLIENT, introspection })
}

test.each(CONFIRMATIONS)('row j: nor does an opaque token that the issuer says is bound by %s', async (_, cnf) => {
  const identity = await introspecting({ token_type: 'Bearer', cnf })
  expect(await refusal(identity.verifyToken('opaque'))).toMatchObject({ code: 'token_invalid', reason: 'bound_token' })
})

test('row j: nor one whose type alone says so', async () => {
  const identity = await introspecting({ token_type: 'DPoP' })
  expect(await refusal(identity.verifyToken('opaque'))).toMatchObject({ code: 'token_invalid', reason: 'bound_token' })
})

test('row j: an issuer that says of a token that nothing binds it has its token accepted', async () => {
  const identity = await introspecting({ token_type: 'Bearer', cnf: null })
  expect(await identity.verifyToken('opaque')).toMatchObject({ subject: 'alice' })
})
