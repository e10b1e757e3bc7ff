import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Identity } from '../../../src/core/ports/identity.ts'
import { oidc } from '../../../src/identity/oidc.ts'
import { severalIssuers } from '../../../src/identity/several-issuers.ts'
import { signWith, type TestIdentityProvider } from '../../harness/identity/identity-provider.ts'
import {
  CALLBACK_URL,
  FORM_CLIENT,
  RESOURCE,
  refusal,
  SERVER_BASE_URL,
  startFormProvider,
} from '../../harness/identity/opened-identity.ts'

let a: TestIdentityProvider
let b: TestIdentityProvider
let identity: Identity
beforeAll(async () => {
  a = await startFormProvider()
  b = await startFormProvider()
  const modes = [a, b].map(({ issuer }) => oidc({ issuer, clientId: FORM_CLIENT }))
  const context = { serverBaseUrl: SERVER_BASE_URL, callbackUrl: CALLBACK_URL, warn: () => undefined }
  identity = await severalIssuers(modes).open(context)
})
afterAll(() => Promise.all([a.close(), b.close()]))

test('each issuer speaks for its own people', async () => {
  for (const { issuer, issueAccessToken } of [a, b]) {
    expect(await identity.verifyToken(await issueAccessToken('alice'))).toMatchObject({ issuer, subject: 'alice' })
  }
})

test("a token that one issuer signs in the other's name is refused by the other's keys", async () => {
  const token = await b.issueAccessToken('alice', { issuer: a.issuer })
  expect(await refusal(identity.verifyToken(token), token)).toMatchObject({
    code: 'token_invalid',
    reason: 'key_unknown',
  })
  // With the other's key id, and without any.
  for (const kid of [a.signingKey.kid, undefined]) {
    const forged = await b.issueAccessToken('alice', { issuer: a.issuer, header: kid === undefined ? {} : { kid } })
    expect(await refusal(identity.verifyToken(forged), forged)).toMatchObject({ code: 'token_invalid' })
  }
  const { kid: _kid, ...withoutKid } = b.signingKey
  const claims = { iss: a.issuer, sub: 'alice', aud: RESOURCE, exp: Math.floor(Date.now() / 1000) + 300 }
  const bare = await signWith(withoutKid, claims)
  expect(await refusal(identity.verifyToken(bare), bare)).toMatchObject({ reason: 'signature' })
})

test('a token that names an issuer of nobody, several, or none is refused before anybody is asked', async () => {
  const before = a.requestsFor() + b.requestsFor()
  for (const iss of [
    'https://evil.example',
    `${a.issuer}/`,
    a.issuer.toUpperCase(),
    [a.issuer, b.issuer],
    '',
    undefined,
  ]) {
    const token = await b.issueAccessToken('alice', { claims: { iss } })
    expect(await refusal(identity.verifyToken(token), token)).toMatchObject({ code: 'token_invalid', reason: 'issuer' })
  }
  expect(a.requestsFor() + b.requestsFor()).toBe(before)
})
