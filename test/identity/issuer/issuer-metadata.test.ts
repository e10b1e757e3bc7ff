import { afterEach, expect, test, vi } from 'vitest'
import { advanceClock } from '../../harness/advance-clock.ts'
import { type FakeIssuer, metadataOf, startFakeIssuer } from '../../harness/identity/fake-issuer.ts'
import {
  beginLogin,
  type IdentityUnderTest,
  openIdentity,
  refusal,
  startIdentity,
} from '../../harness/identity/opened-identity.ts'

/** Milliseconds in which a failure is not tried again. */
const FAILURE_REMEMBERED = 1_000

const OAUTH = '/.well-known/oauth-authorization-server'
const OPENID = '/.well-known/openid-configuration'

const open = (issuer: string) => openIdentity({ issuer, clientId: 'form' })

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(running.splice(0).map((server) => server.close()))
})

async function fake(...settings: Parameters<typeof startFakeIssuer>): Promise<FakeIssuer> {
  const started = await startFakeIssuer(...settings)
  running.push(started)
  return started
}

async function real(): Promise<IdentityUnderTest> {
  const started = await startIdentity()
  running.push(started.provider)
  return started
}

test('RFC 8414 metadata is enough', async () => {
  const server = await fake((issuer) => ({ [OAUTH]: { body: metadataOf(issuer) } }))
  const identity = await open(server.issuer)
  expect((await beginLogin(identity)).redirectTo).toMatch(`${server.issuer}/auth?`)
  expect(server.requests).toEqual([OAUTH])
  expect(identity.warnings).toEqual([])
})

test('OpenID Connect metadata is read where there is no RFC 8414 metadata', async () => {
  for (const other of [
    { status: 404 },
    { body: '<!doctype html>' },
    { body: { issuer: 'x' } },
    { status: 503 },
    { status: 302, headers: { location: OPENID } },
  ]) {
    const server = await fake((issuer) => ({ [OAUTH]: other, [OPENID]: { body: metadataOf(issuer) } }))
    await open(server.issuer)
    expect(server.requests).toEqual([OAUTH, OPENID])
  }
})

test('the issuer path stands after the well-known part in RFC 8414 and before it in OpenID Connect', async () => {
  const server = await fake((issuer) => ({ [`/realms/one${OPENID}`]: { body: metadataOf(`${issuer}/realms/one`) } }))
  await open(`${server.issuer}/realms/one`)
  expect(server.requests).toEqual([`${OAUTH}/realms/one`, `/realms/one${OPENID}`])
})

test.each([
  (issuer: string) => `${issuer}/`,
  (issuer: string) => issuer.toUpperCase(),
  (issuer: string) => issuer.replace('127.0.0.1', 'localhost'),
  () => 'https://login.example.com/\u001b[31m',
])('an issuer that calls itself otherwise prevents opening, and the message has both names (%#)', async (name) => {
  const server = await fake((issuer) => ({ [OPENID]: { body: metadataOf(issuer, { issuer: name(issuer) }) } }))
  const error = await refusal(open(server.issuer))
  expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'issuer_mismatch' })
  expect(error.message).toContain(server.issuer)
  expect(error.message).toContain(name(server.issuer).replace('\u001b', '?'))
  expect(error.message).not.toContain('\u001b')
})

test('a configured trailing slash counts', async () => {
  const server = await fake((issuer) => ({ [OPENID]: { body: metadataOf(issuer) } }))
  expect(await refusal(open(`${server.issuer}/`))).toMatchObject({ reason: 'issuer_mismatch' })
})

test.each([
  { jwks_uri: undefined },
  { jwks_uri: 'http://keys.example.com/jwks' },
  { token_endpoint: 'file:///etc/passwd' },
  { authorization_endpoint: 'javascript:alert(1)' },
  { authorization_endpoint: '/auth' },
])('metadata with %j prevents opening', async (changes) => {
  const server = await fake((issuer) => ({ [OPENID]: { body: metadataOf(issuer, changes) } }))
  const error = await refusal(open(server.issuer))
  expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'metadata_invalid' })
  expect(error.message).toContain(Object.keys(changes)[0])
})

test('a server without metadata prevents opening, and no redirect is followed', async () => {
  const server = await fake((issuer) => ({
    [OAUTH]: { status: 301, headers: { location: '/elsewhere' } },
    [OPENID]: { status: 307, headers: { location: '/elsewhere' } },
    '/elsewhere': { body: metadataOf(issuer) },
  }))
  expect(await refusal(open(server.issuer))).toMatchObject({
    code: 'configuration_invalid',
    reason: 'metadata_missing',
  })
  expect(server.requests).not.toContain('/elsewhere')
})

test('an identity provider without PKCE S256 is warned about', async () => {
  const server = await fake((issuer) => ({
    [OPENID]: { body: metadataOf(issuer, { code_challenge_methods_supported: ['plain'] }) },
  }))
  expect((await open(server.issuer)).warnings.join()).toContain('PKCE')
})

test('an outage does not prevent opening; it is unavailable, and is over a second after the issuer answers', async () => {
  const { provider } = await real()
  for (const how of ['status', 'drop'] as const) {
    provider.stopAnswering({ how })
    const identity = await open(provider.issuer)
    expect(identity.warnings.join()).toContain('does not answer')
    const token = await provider.issueAccessToken('alice')
    expect(await refusal(identity.verifyToken(token), token)).toMatchObject({ code: 'unavailable', retryable: true })
    expect(await refusal(beginLogin(identity))).toMatchObject({ code: 'unavailable', retryable: true })
    provider.startAnswering()
    advanceClock(FAILURE_REMEMBERED)
    expect(await identity.verifyToken(token)).toMatchObject({ subject: 'alice' })
    expect((await beginLogin(identity)).redirectTo).toContain(provider.issuer)
  }
})

test('an issuer that never answers is unavailable after five seconds', async () => {
  const server = await fake(() => ({ [OAUTH]: { status: 404 }, [OPENID]: { silent: true } }))
  const deadlines = vi.spyOn(AbortSignal, 'timeout')
  const identity = await open(server.issuer)
  expect(deadlines.mock.calls).toEqual([[5_000], [5_000]])
  expect(identity.warnings.join()).toContain('does not answer')
})

test('an endless document is not read to its end', async () => {
  const server = await fake(() => ({ [OAUTH]: { body: `"${'x'.repeat(2_000_000)}"` } }))
  expect((await open(server.issuer)).warnings.join()).toContain('does not answer')
})

test('an issuer that comes back as another one is unavailable and the operator is told why', async () => {
  let name: string | undefined
  const server = await fake((issuer) => ({
    [OPENID]: name === undefined ? { status: 503 } : { body: metadataOf(issuer, { issuer: name }) },
  }))
  const identity = await open(server.issuer)
  name = 'https://another.example'
  advanceClock(FAILURE_REMEMBERED)
  expect(await refusal(beginLogin(identity))).toMatchObject({ code: 'unavailable', reason: 'issuer_misconfigured' })
  await refusal(beginLogin(identity))
  expect(identity.warnings.filter((warning) => warning.includes('https://another.example'))).toHaveLength(1)
})

test('simultaneous first uses ask once', async () => {
  const { provider } = await real()
  provider.stopAnswering()
  const identity = await open(provider.issuer)
  provider.startAnswering()
  advanceClock(FAILURE_REMEMBERED)
  const before = provider.requestsFor('/.well-known/oauth-authorization-server')
  await Promise.all(Array.from({ length: 20 }, () => beginLogin(identity)))
  expect(provider.requestsFor('/.well-known/oauth-authorization-server') - before).toBe(1)
})
