import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ForgingProvider, startForgingProvider } from '../../harness/identity/forged-id-token.ts'
import { makeSigningKey } from '../../harness/identity/identity-provider.ts'
import { FORM_CLIENT, refusal } from '../../harness/identity/opened-identity.ts'

let forging: ForgingProvider
beforeAll(async () => {
  forging = await startForgingProvider()
})
afterAll(() => forging.provider.close())

test.each([
  [{ aud: 'another-client' }, 'audience'],
  [{ aud: [FORM_CLIENT, 'another-client'] }, 'audience'],
  [{ azp: 'another-client', aud: [FORM_CLIENT, 'another-client'] }, 'audience'],
  [{ iss: 'https://another.example' }, 'id_token_issuer'],
  [{ exp: 1 }, 'expired'],
  [{ exp: undefined }, 'expiry_missing'],
  [{ exp: 'soon' }, 'id_token_malformed'],
  [{ iat: undefined }, 'id_token_malformed'],
  [{ nbf: Math.floor(Date.now() / 1000) + 3600 }, 'not_yet_valid'],
  [{ sub: undefined }, 'subject_missing'],
  [{ sub: '' }, 'subject_missing'],
  [{ sub: 4711 }, 'subject_malformed'],
  [{ sub: 'a\u0000b' }, 'subject_malformed'],
])('an ID token with %j is refused as %s', async (changes, reason) => {
  const { complete, forged } = await forging.completeWith(changes)
  const error = await refusal(complete, forged)
  expect(error).toMatchObject({ code: 'login_failed', reason, retryable: false })
})

test('an ID token by a foreign key is refused', async () => {
  const stranger = await makeSigningKey()
  const disguised = { ...stranger, kid: forging.provider.signingKey.kid ?? '' }
  for (const [key, reason] of [
    [stranger, 'key_unknown'],
    [disguised, 'signature'],
  ] as const) {
    const { complete, forged } = await forging.completeWith({}, key)
    expect(await refusal(complete, forged)).toMatchObject({ code: 'login_failed', reason })
  }
})

test('an ID token signed with a shared secret is refused', async () => {
  const secret = { kty: 'oct', k: Buffer.from('x'.repeat(32)).toString('base64url'), alg: 'HS256' }
  const { complete, forged } = await forging.completeWith({}, secret, 'HS256')
  expect(await refusal(complete, forged)).toMatchObject({ code: 'login_failed', reason: 'algorithm' })
})

test('an unsigned ID token is refused', async () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const { complete, forged } = await forging.completeWithToken(
    async (claims) => `${part({ alg: 'none' })}.${part(claims)}.`,
  )
  expect(await refusal(complete, forged)).toMatchObject({ code: 'login_failed', reason: 'algorithm' })
})

test('what is no JWT at all is refused', async () => {
  const { complete } = await forging.completeWithToken(async () => 'opaque-id-token')
  expect(await refusal(complete, 'opaque-id-token')).toMatchObject({
    code: 'login_failed',
    reason: 'id_token_malformed',
  })
})
