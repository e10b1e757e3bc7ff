import { expect, test } from 'vitest'
import {
  identityUnderTest,
  openIdentity,
  RESOURCE,
  realTokens,
  refusal,
} from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

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
