import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { IdentityMode } from '../../src/core/ports/identity.ts'
import { localUser } from '../../src/identity/local-user.ts'
import { oidc } from '../../src/identity/oidc.ts'
import type { OidcOptions } from '../../src/identity/oidc-options.ts'
import { severalIssuers } from '../../src/identity/several-issuers.ts'
import { metadataOf, startFakeIssuer } from '../harness/identity/fake-issuer.ts'
import type { TestIdentityProvider } from '../harness/identity/identity-provider.ts'
import { startOpaqueTokens } from '../harness/identity/opaque-tokens.ts'
import {
  answerLogin,
  CALLBACK_URL,
  FORM_CLIENT,
  RESOURCE,
  refusal,
  SERVER_BASE_URL,
  startFormProvider,
} from '../harness/identity/opened-identity.ts'

let a: TestIdentityProvider
let b: TestIdentityProvider
beforeAll(async () => {
  a = await startFormProvider()
  b = await startFormProvider()
})
afterAll(() => Promise.all([a.close(), b.close()]))

const at = ({ issuer }: { readonly issuer: string }, options: Partial<OidcOptions> = {}) =>
  oidc({ issuer, clientId: FORM_CLIENT, ...options })

async function open(...modes: IdentityMode[]) {
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  const context = { serverBaseUrl: SERVER_BASE_URL, callbackUrl: CALLBACK_URL, warn }
  return { ...(await severalIssuers(modes).open(context)), warnings }
}

test('clients are told all issuers, and people choose where to sign in', async () => {
  const identity = await open(at(a), at(b))
  expect(identity.resource).toEqual({
    resource: RESOURCE,
    scopes: [],
    authorizationServers: [a.issuer, b.issuer],
  })
  expect(identity.browserLogin.choices).toEqual([
    { issuer: a.issuer, displayName: new URL(a.issuer).host },
    { issuer: b.issuer, displayName: new URL(b.issuer).host },
  ])
  // oidc-provider puts its name into its answers.
  expect(identity.warnings).toEqual([])
})

test('a login begins and ends at the issuer that was chosen', async () => {
  const identity = await open(at(a), at(b))
  const { browserLogin } = identity
  for (const provider of [a, b]) {
    const begin = () => browserLogin.begin({ switchAccount: false, issuer: provider.issuer })
    const chosen = { ...identity, browserLogin: { ...browserLogin, begin } }
    const { callback, transaction } = await answerLogin({ provider, identity: chosen }, 'alice')
    expect(await browserLogin.complete(callback, transaction)).toMatchObject({
      issuer: provider.issuer,
      subject: 'alice',
    })
  }
  await refusal(browserLogin.begin({ switchAccount: false }))
  const error = await refusal(browserLogin.complete(CALLBACK_URL, { issuer: 'https://evil.example' }))
  expect(error).toMatchObject({ code: 'login_failed', reason: 'transaction' })
})

test("one issuer's outage does not touch the other's people", async () => {
  const down = await startFormProvider()
  onTestFinished(() => down.close())
  down.stopAnswering()
  const identity = await open(at(a), at(down))
  expect(identity.warnings).toEqual([expect.stringContaining(`${down.issuer} does not answer`)])
  expect(await identity.verifyToken(await a.issueAccessToken('alice'))).toMatchObject({ subject: 'alice' })
  const token = await down.issueAccessToken('alice')
  expect(await refusal(identity.verifyToken(token), token)).toMatchObject({ code: 'unavailable' })
})

test('a token that is no JWT goes to the one that looks tokens up, and to no other', async () => {
  const opaque = await startOpaqueTokens()
  onTestFinished(() => opaque.provider.close())
  const introspection = { clientId: 'mcp-server', clientSecret: 'a secret: with % and +' }
  const identity = await open(at(a), at(opaque.provider, { introspection }))
  const before = a.requestsFor()
  expect(await identity.verifyToken(await opaque.issue('alice'))).toMatchObject({
    issuer: opaque.provider.issuer,
    subject: 'alice',
  })
  expect(a.requestsFor()).toBe(before)
  const without = await open(at(a), at(b))
  expect(await refusal(without.verifyToken('opaque'))).toMatchObject({ code: 'token_invalid', reason: 'malformed' })
})

test('an issuer that does not name itself in its answers is warned about', async () => {
  const fake = await startFakeIssuer((issuer) => ({
    '/.well-known/oauth-authorization-server': { body: metadataOf(issuer) },
  }))
  onTestFinished(() => fake.close())
  expect((await open(at(a), at(fake))).warnings).toEqual([expect.stringContaining('RFC 9207')])
})

const introspection = { clientId: 'server', clientSecret: 'secret' }
const introspected = (provider: TestIdentityProvider): IdentityMode => ({
  mode: 'oidc',
  open: async (context) => ({ ...(await at(provider).open(context)), looksUpTokens: true }),
})

test.each<[string, () => IdentityMode[], string]>([
  ['none', () => [], 'identity_list'],
  ['a local user', () => [at(a), localUser()], 'identity_list'],
  ['a list in the list', () => [at(a), severalIssuers([at(b)])], 'identity_list'],
  ['the same issuer twice', () => [at(a), at(a)], 'issuer_twice'],
  ["another's issuer as alias", () => [at(a), at(b, { issuerAliases: [a.issuer] })], 'issuer_twice'],
  ['other scopes', () => [at(a, { scopes: ['mcp'] }), at(b)], 'identities_differ'],
  ['another audience', () => [at(a), at(b, { audience: 'https://other.example/mcp' })], 'identities_differ'],
  ['two that look tokens up', () => [introspected(a), introspected(b)], 'introspection_twice'],
])('%s is refused', async (_, modes, reason) => {
  expect(await refusal(open(...modes()))).toMatchObject({ code: 'configuration_invalid', reason })
})

test('an issuer that cannot introspect is refused in a list as it is alone', async () => {
  const fake = await startFakeIssuer((issuer) => ({
    '/.well-known/oauth-authorization-server': { body: metadataOf(issuer) },
  }))
  onTestFinished(() => fake.close())
  expect(await refusal(open(at(a), at(fake, { introspection })))).toMatchObject({ reason: 'introspection_missing' })
})

test('each identity provider is called what the operator calls it, and no two the same', async () => {
  const { browserLogin } = await open(at(a, { displayName: 'Acme staff' }), at(b))
  expect(browserLogin.choices?.map(({ displayName }) => displayName)).toEqual(['Acme staff', new URL(b.issuer).host])
  expect([a, b].map(({ issuer }) => browserLogin.nameOf?.(issuer))).toEqual(['Acme staff', undefined])
  const same = open(at(a, { displayName: 'Acme' }), at(b, { displayName: 'Acme' }))
  await expect(same).rejects.toMatchObject({ code: 'configuration_invalid', reason: 'issuer_names' })
})
