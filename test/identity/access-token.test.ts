import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { makeSigningKey } from '../support/identity-provider.ts'
import {
  type IdentityUnderTest,
  openIdentity,
  RESOURCE,
  realTokens,
  refusal,
  startIdentity,
} from '../support/identity-under-test.ts'

let under: IdentityUnderTest
beforeEach(async () => {
  under = await startIdentity()
})
afterEach(async () => {
  vi.useRealTimers()
  await under.provider.close()
})

const form = () => ({ issuer: under.provider.issuer, clientId: 'form' })

test('a token becomes a principal', async () => {
  const token = await under.provider.issueAccessToken('alice', {
    scope: 'mcp tickets',
    claims: { name: 'Alice Liddell' },
  })
  expect(await under.identity.verifyToken(token)).toEqual({
    issuer: under.provider.issuer,
    subject: 'alice',
    clientId: 'test-mcp-client',
    displayName: 'Alice Liddell',
    scopes: ['mcp', 'tickets'],
    expiresAt: expect.any(Number),
  })
})

test('the token and the login of a person name the same owner', async () => {
  const { access_token } = await realTokens(under, 'bob')
  const { issuer, subject } = await under.identity.verifyToken(access_token)
  expect({ issuer, subject }).toEqual({ issuer: under.provider.issuer, subject: 'bob' })
})

test.each([
  [{ scope: 'a b' }, ['a', 'b']],
  [{ scope: '' }, []],
  [{ scope: undefined, scp: 'a b' }, ['a', 'b']],
  [{ scope: undefined, scp: ['a', 'b', 7] }, ['a', 'b']],
  [{ scope: undefined, scp: { a: true } }, []],
])('scopes of %j are %j', async (claims, scopes) => {
  const token = await under.provider.issueAccessToken('alice', { claims })
  expect((await under.identity.verifyToken(token)).scopes).toEqual(scopes)
})

test.each([
  [{ client_id: 'a', azp: 'b' }, 'a'],
  [{ client_id: undefined, azp: 'b' }, 'b'],
  [{ client_id: undefined, cid: 'okta' }, 'okta'],
  [{ client_id: 7 }, undefined],
])('the client of %j is %j', async (claims, clientId) => {
  const token = await under.provider.issueAccessToken('alice', { claims })
  expect((await under.identity.verifyToken(token)).clientId).toBe(clientId)
})

test.each([
  [{ name: 'Alice', email: 'a@example.com' }, 'Alice'],
  [{ name: 'A\u0007lice', preferred_username: 'alice' }, 'alice'],
  [{ name: 'x'.repeat(101), email: 'a@example.com' }, 'a@example.com'],
  [{ name: { first: 'Alice' } }, undefined],
])('the display name of %j is %j', async (claims, displayName) => {
  const token = await under.provider.issueAccessToken('alice', { claims })
  expect((await under.identity.verifyToken(token)).displayName).toBe(displayName)
})

test('what clients are told is what is accepted', () => {
  expect(under.identity.resource).toEqual({
    resource: RESOURCE,
    authorizationServers: [under.provider.issuer],
    scopes: [],
  })
})

test('an audience that is no URL is demanded, and the resource stays one', async () => {
  const identity = await openIdentity({ ...form(), audience: 'api://mcp', scopes: ['mcp'] })
  expect(identity.resource).toMatchObject({ resource: RESOURCE, scopes: ['mcp'] })
  const token = await under.provider.issueAccessToken('alice', { audience: 'api://mcp' })
  expect(await identity.verifyToken(token)).toMatchObject({ subject: 'alice' })
  const standard = await under.provider.issueAccessToken('alice')
  expect(await refusal(identity.verifyToken(standard), standard)).toMatchObject({ reason: 'audience' })
})

test('an alias in the token means the configured issuer', async () => {
  const identity = await openIdentity({ ...form(), issuerAliases: ['https://sts.example.com/'] })
  const token = await under.provider.issueAccessToken('alice', { issuer: 'https://sts.example.com/' })
  expect(await identity.verifyToken(token)).toMatchObject({ issuer: under.provider.issuer, subject: 'alice' })
  const other = await under.provider.issueAccessToken('alice', { issuer: 'https://sts.example.com' })
  expect(await refusal(identity.verifyToken(other), other)).toMatchObject({ reason: 'issuer' })
})

test('the configured claim names the user', async () => {
  const identity = await openIdentity({ ...form(), subjectClaim: 'https://example.com/uid' })
  const token = await under.provider.issueAccessToken('alice', { claims: { 'https://example.com/uid': '00u1' } })
  expect(await identity.verifyToken(token)).toMatchObject({ subject: '00u1' })
})

test('an algorithm that is not listed is refused', async () => {
  const identity = await openIdentity({ ...form(), algorithms: ['ES256'] })
  const token = await under.provider.issueAccessToken('alice')
  expect(await refusal(identity.verifyToken(token), token)).toMatchObject({ reason: 'algorithm' })
})

test('a token without a key name is tried with every key', async () => {
  await under.provider.rotateKeys({ keepFormer: true })
  await under.provider.rotateKeys({ keepFormer: true })
  const { kid: _, ...key } = under.provider.signingKey
  const token = await under.provider.issueAccessToken('alice', { key })
  expect(await under.identity.verifyToken(token)).toMatchObject({ subject: 'alice' })
  const { kid: __, ...foreign } = await makeSigningKey()
  const forged = await under.provider.issueAccessToken('alice', { key: foreign })
  expect(await refusal(under.identity.verifyToken(forged), forged)).toMatchObject({ reason: 'signature' })
  const expired = await under.provider.issueAccessToken('alice', { key, expiresIn: -100 })
  expect(await refusal(under.identity.verifyToken(expired), expired)).toMatchObject({ reason: 'expired' })
})

test("the issuer's new key is accepted once the cool-down allows a fetch", async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  await under.identity.verifyToken(await under.provider.issueAccessToken('alice'))
  await under.provider.rotateKeys()
  const token = await under.provider.issueAccessToken('alice')
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({ reason: 'key_unknown' })
  vi.setSystemTime(Date.now() + 31_000)
  expect(await under.identity.verifyToken(token)).toMatchObject({ subject: 'alice' })
  expect(under.provider.requestsFor('/jwks')).toBe(2)
})

test.each(['status', 'drop'] as const)(
  'while the key set cannot be read (%s), a token is neither good nor bad',
  async (how) => {
    under.provider.stopAnswering({ path: '/jwks', how })
    const token = await under.provider.issueAccessToken('alice')
    const error = await refusal(under.identity.verifyToken(token), token)
    expect(error).toMatchObject({ code: 'unavailable', retryable: true })
    under.provider.startAnswering()
    expect(await under.identity.verifyToken(token)).toMatchObject({ subject: 'alice' })
  },
)

test('known keys carry on through an outage; an unknown one is then undecided, not bad', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const good = await under.provider.issueAccessToken('alice')
  await under.identity.verifyToken(good)
  under.provider.stopAnswering()
  vi.setSystemTime(Date.now() + 60_000)
  expect(await under.identity.verifyToken(good)).toMatchObject({ subject: 'alice' })
  const unknown = await under.provider.issueAccessToken('alice', { key: await makeSigningKey() })
  expect(await refusal(under.identity.verifyToken(unknown), unknown)).toMatchObject({ code: 'unavailable' })
})

test('a key set that is none is unavailable', async () => {
  const { metadataOf, startFakeIssuer } = await import('../support/fake-issuer.ts')
  for (const body of ['<html>', { keys: 'none' }, []]) {
    const server = await startFakeIssuer((issuer) => ({
      '/.well-known/openid-configuration': { body: metadataOf(issuer) },
      '/jwks': { body },
    }))
    const identity = await openIdentity({ issuer: server.issuer, clientId: 'form' })
    const token = await under.provider.issueAccessToken('alice', { issuer: server.issuer })
    expect(await refusal(identity.verifyToken(token), token)).toMatchObject({ code: 'unavailable' })
    await server.close()
  }
})
