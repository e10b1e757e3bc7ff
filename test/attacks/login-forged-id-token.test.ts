import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ForgingProvider, startForgingProvider } from '../support/forged-id-token.ts'
import { makeSigningKey } from '../support/identity-provider.ts'
import { FORM_CLIENT, refusal } from '../support/identity-under-test.ts'

let forging: ForgingProvider
beforeAll(async () => {
  forging = await startForgingProvider()
})
afterAll(() => forging.provider.close())

test.each([
  { aud: 'another-client' },
  { aud: [FORM_CLIENT, 'another-client'] },
  { azp: 'another-client', aud: [FORM_CLIENT, 'another-client'] },
  { iss: 'https://another.example' },
  { exp: 1 },
  { exp: undefined },
  { iat: undefined },
  { sub: undefined },
  { sub: '' },
])('an ID token with %j is refused', async (changes) => {
  const { complete, forged } = await forging.completeWith(changes)
  expect(await refusal(complete, forged)).toMatchObject({ code: 'login_failed', reason: 'id_token' })
})

test('an ID token by a foreign key is refused', async () => {
  const stranger = await makeSigningKey()
  for (const key of [stranger, { ...stranger, kid: forging.provider.signingKey.kid ?? '' }]) {
    const { complete, forged } = await forging.completeWith({}, key)
    expect(await refusal(complete, forged)).toMatchObject({ code: 'login_failed', reason: 'id_token' })
  }
})

test('an ID token signed with a shared secret is refused', async () => {
  const secret = { kty: 'oct', k: Buffer.from('x'.repeat(32)).toString('base64url'), alg: 'HS256' }
  const { complete, forged } = await forging.completeWith({}, secret, 'HS256')
  expect(await refusal(complete, forged)).toMatchObject({ code: 'login_failed', reason: 'id_token' })
})

test('an unsigned ID token is refused', async () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const { complete, forged } = await forging.completeWithToken(
    async (claims) => `${part({ alg: 'none' })}.${part(claims)}.`,
  )
  expect(await refusal(complete, forged)).toMatchObject({ code: 'login_failed', reason: 'id_token' })
})

test('what is no JWT at all is refused', async () => {
  const { complete } = await forging.completeWithToken(async () => 'opaque-id-token')
  expect(await refusal(complete, 'opaque-id-token')).toMatchObject({ code: 'login_failed', reason: 'id_token' })
})
