import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { oidc } from '../../../src/identity/oidc.ts'
import { type FakeAnswer, metadataOf, startFakeIssuer } from '../../harness/identity/fake-issuer.ts'
import { type OpaqueTokens, startOpaqueTokens } from '../../harness/identity/opaque-tokens.ts'
import { FORM_CLIENT, openIdentity, RESOURCE, refusal } from '../../harness/identity/opened-identity.ts'
import { thrownError } from '../../harness/thrown-error.ts'

let under: OpaqueTokens
beforeAll(async () => {
  under = await startOpaqueTokens()
})
afterAll(() => under.provider.close())

const asked = () => under.provider.requestsFor('/token/introspection')

test('an opaque token becomes a principal, the same owner as the login', async () => {
  const token = await under.issue('alice')
  expect(token.split('.')).toHaveLength(1)
  expect(await under.identity.verifyToken(token)).toEqual({
    issuer: under.provider.issuer,
    subject: 'alice',
    clientId: FORM_CLIENT,
    scopes: ['mcp'],
    expiresAt: expect.any(Number),
  })
})

test('an unknown token is refused, and so is one that is too long, without asking', async () => {
  const error = await refusal(under.identity.verifyToken('not-a-token-of-anybody'), 'not-a-token-of-anybody')
  expect(error).toMatchObject({ code: 'token_invalid', reason: 'inactive' })
  const before = asked()
  expect(await refusal(under.identity.verifyToken('x'.repeat(16_385)))).toMatchObject({ reason: 'too_long' })
  expect(asked()).toBe(before)
})

test('a JWT is verified by its signature and never sent to the issuer', async () => {
  const before = asked()
  const good = await under.provider.issueAccessToken('alice')
  expect(await under.identity.verifyToken(good)).toMatchObject({ subject: 'alice' })
  const foreign = await under.provider.issueAccessToken('alice', { issuer: 'https://login.example.org' })
  expect(await refusal(under.identity.verifyToken(foreign))).toMatchObject({ reason: 'issuer' })
  expect(asked()).toBe(before)
})

test('an answer is believed for cacheSeconds; with 0 every request asks', async () => {
  const token = await under.issue('alice')
  const cached = await under.open({ cacheSeconds: 60 })
  const before = asked()
  await cached.verifyToken(token)
  await cached.verifyToken(token)
  expect(asked()).toBe(before + 1)
  await under.identity.verifyToken(token)
  await under.identity.verifyToken(token)
  expect(asked()).toBe(before + 3)
})

test.each(['status', 'drop'] as const)(
  'an issuer that does not answer (%s) is an outage, not a bad token',
  async (how) => {
    const token = await under.issue('alice')
    under.provider.stopAnswering({ path: '/token/introspection', how })
    onTestFinished(() => under.provider.startAnswering())
    const error = await refusal(under.identity.verifyToken(token), token)
    expect(error).toMatchObject({ code: 'unavailable', reason: how === 'drop' ? 'issuer_connection' : 'issuer_status' })
  },
)

test("a wrong secret of ours is an outage too: it says nothing about the user's token", async () => {
  const identity = await under.open({ clientSecret: 'wrong' })
  const token = await under.issue('alice')
  expect(await refusal(identity.verifyToken(token), token, 'wrong-secret')).toMatchObject({
    code: 'unavailable',
    reason: 'issuer_client_refused',
  })
})

test('the secret can come from a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'introspection-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const clientSecretFile = join(folder, 'secret')
  writeFileSync(clientSecretFile, 'a secret: with % and +\n', { mode: 0o600 })
  const identity = await under.open({ clientSecret: undefined, clientSecretFile })
  expect(await identity.verifyToken(await under.issue('bob'))).toMatchObject({ subject: 'bob' })
})

const NOW = Math.floor(Date.now() / 1000)
const ACTIVE = { active: true, sub: 'alice', aud: RESOURCE, exp: NOW + 300, client_id: 'c', token_type: 'Bearer' }

async function answering(answer: (issuer: string) => FakeAnswer) {
  const fake = await startFakeIssuer((issuer) => ({
    '/.well-known/oauth-authorization-server': {
      body: metadataOf(issuer, { introspection_endpoint: `${issuer}/introspect` }),
    },
    '/introspect': answer(issuer),
  }))
  onTestFinished(() => fake.close())
  const introspection = { clientId: 'server', clientSecret: 'secret' }
  return openIdentity({ issuer: fake.issuer, clientId: FORM_CLIENT, introspection })
}

test.each([
  ['no issuer', { iss: undefined }, 'issuer'],
  ['another issuer', { iss: 'https://login.example.org' }, 'issuer'],
  ['no audience', { aud: undefined }, 'audience'],
  ['another audience', { aud: `${RESOURCE}/` }, 'audience'],
  ['no end', { exp: undefined }, 'expiry_missing'],
  ['an end in the past', { exp: NOW - 60 }, 'expired'],
  ['a beginning in the future', { nbf: NOW + 120 }, 'not_yet_valid'],
  ['no subject', { sub: undefined }, 'subject_missing'],
  ['a subject that is no text', { sub: 7 }, 'subject_malformed'],
  ['a program as its subject', { sub: 'c' }, 'machine_token'],
  ['a token of another type', { token_type: 'mac' }, 'type'],
  ['a token bound to a key', { cnf: { jkt: 'x' } }, 'bound_token'],
  ['a token that is not active', { active: false }, 'inactive'],
])('an answer with %s is refused as a JWT would be', async (_, changes, reason) => {
  const identity = await answering((iss) => ({ body: { ...ACTIVE, iss, ...changes } }))
  expect(await refusal(identity.verifyToken('opaque'))).toMatchObject({ code: 'token_invalid', reason })
})

test('a complete answer is accepted', async () => {
  const identity = await answering((iss) => ({ body: { ...ACTIVE, iss } }))
  expect(await identity.verifyToken('opaque')).toMatchObject({ subject: 'alice', clientId: 'c' })
})

test.each<[string, FakeAnswer]>([
  ['no JSON', { body: '<html>' }],
  ['active as a text', { body: { ...ACTIVE, active: 'true' } }],
  ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' }, body: '' }],
  ['404', { status: 404 }],
])('an answer that is %s is an outage', async (_, answer) => {
  const identity = await answering(() => answer)
  expect(await refusal(identity.verifyToken('opaque'))).toMatchObject({ code: 'unavailable', reason: 'issuer_answer' })
})

test('an issuer without introspection is not what is configured', async () => {
  const fake = await startFakeIssuer((issuer) => ({
    '/.well-known/oauth-authorization-server': { body: metadataOf(issuer) },
  }))
  onTestFinished(() => fake.close())
  const introspection = { clientId: 'server', clientSecret: 'secret' }
  expect(await refusal(openIdentity({ issuer: fake.issuer, clientId: FORM_CLIENT, introspection }))).toMatchObject({
    code: 'configuration_invalid',
    reason: 'introspection_missing',
  })
})

test.each([
  [{}, 'must be given, or clientSecret'],
  [{ clientSecret: 'a', clientSecretFile: 'b' }, 'not both'],
  [{ clientSecret: 'a', cacheSeconds: 61 }, 'oidc.introspection.cacheSeconds'],
])('options %j are refused', (options, words) => {
  const introspection = { clientId: 'server', ...options }
  const error = thrownError(() => oidc({ issuer: 'https://login.example.com', clientId: 'form', introspection }))
  expect(error.message).toContain(words)
})
