import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { browserOf } from '../../harness/browser/test-browser.ts'
import type { TestIdentityProvider } from '../../harness/identity/identity-provider.ts'
import {
  answerLogin,
  beginLogin,
  CALLBACK_URL,
  FORM_CLIENT,
  type OpenedIdentity,
  openIdentity,
  refusal,
  startFormProvider,
} from '../../harness/identity/opened-identity.ts'

const SECRET = 'client-secret: with %, + and "quotes"'
const folder = mkdtempSync(join(tmpdir(), 'browser-login-'))
const tokenRequests: { authorization: string | undefined }[] = []
let provider: TestIdentityProvider
let identity: OpenedIdentity

const confidential = (method: 'client_secret_basic' | 'client_secret_post') => ({
  client_id: method,
  client_secret: SECRET,
  redirect_uris: [CALLBACK_URL.href],
  token_endpoint_auth_method: method,
})

beforeAll(async () => {
  provider = await startFormProvider({
    clients: [
      { client_id: FORM_CLIENT, redirect_uris: [CALLBACK_URL.href], token_endpoint_auth_method: 'none' },
      confidential('client_secret_basic'),
    ],
    intercept(request) {
      if (request.url === '/token') tokenRequests.push({ authorization: request.headers.authorization })
      return false
    },
  })
  identity = await openIdentity({ issuer: provider.issuer, clientId: FORM_CLIENT })
})
afterAll(async () => {
  await provider.close()
  rmSync(folder, { recursive: true })
})
afterEach(() => {
  vi.useRealTimers()
  provider.startAnswering()
})

test('a login names its person, and nothing of its tokens is left', async () => {
  const { callback, transaction } = await answerLogin({ provider, identity }, 'alice')
  expect(await identity.browserLogin.complete(callback, transaction)).toEqual({
    issuer: provider.issuer,
    subject: 'alice',
    displayName: 'Alice',
  })
  expect(identity.browserLogin).toMatchObject({ mode: 'oidc', displayName: new URL(provider.issuer).host })
})

test('the request asks for a code with PKCE, bound to this login, at the configured callback', async () => {
  const { redirectTo, transaction } = await beginLogin(identity)
  const asked = Object.fromEntries(new URL(redirectTo).searchParams)
  expect(asked).toEqual({
    client_id: FORM_CLIENT,
    response_type: 'code',
    redirect_uri: CALLBACK_URL.href,
    scope: 'openid profile',
    state: transaction['state'],
    nonce: transaction['nonce'],
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: 'S256',
  })
  expect(JSON.parse(JSON.stringify(transaction))).toEqual(transaction)
})

test('the callback that the browser used does not decide where the code is redeemed', async () => {
  const { callback, transaction } = await answerLogin({ provider, identity }, 'alice')
  const elsewhere = new URL(`https://attacker.example/steal${callback.search}`)
  expect(await identity.browserLogin.complete(elsewhere, transaction)).toMatchObject({ subject: 'alice' })
})

test('whoever is remembered can be changed', async () => {
  const browser = browserOf()
  const first = await answerLogin({ provider, identity }, 'alice', browser)
  expect(await identity.browserLogin.complete(first.callback, first.transaction)).toMatchObject({ subject: 'alice' })
  const again = await answerLogin({ provider, identity }, 'bob', browser)
  expect(await identity.browserLogin.complete(again.callback, again.transaction)).toMatchObject({ subject: 'alice' })
  const other = await beginLogin(identity, true)
  expect(new URL(other.redirectTo).searchParams.get('prompt')).toBe('login')
  const callback = await provider.signIn(other.redirectTo, 'bob', browser)
  expect(await identity.browserLogin.complete(callback, other.transaction)).toMatchObject({ subject: 'bob' })
})

test('maxAuthAgeSeconds is asked for', async () => {
  const fresh = await openIdentity({ issuer: provider.issuer, clientId: FORM_CLIENT, maxAuthAgeSeconds: 60 })
  const { redirectTo, transaction } = await beginLogin(fresh)
  expect(new URL(redirectTo).searchParams.get('max_age')).toBe('60')
  const callback = await provider.signIn(redirectTo, 'alice')
  expect(await fresh.browserLogin.complete(callback, transaction)).toMatchObject({ subject: 'alice' })
})

test('a confidential client sends its secret in the header where the issuer takes it there', async () => {
  const file = join(folder, 'secret')
  writeFileSync(file, `${SECRET}\n`)
  for (const secret of [{ clientSecret: SECRET }, { clientSecretFile: file }]) {
    const opened = await openIdentity({ issuer: provider.issuer, clientId: 'client_secret_basic', ...secret })
    const { callback, transaction } = await answerLogin({ provider, identity: opened }, 'alice')
    expect(await opened.browserLogin.complete(callback, transaction)).toMatchObject({ subject: 'alice' })
    expect(tokenRequests.at(-1)?.authorization).toMatch(/^Basic /)
  }
})

test('it sends the secret in the body where the issuer takes it only there', async () => {
  const strict = await startFormProvider({
    clients: [confidential('client_secret_post')],
    configuration: { clientAuthMethods: ['client_secret_post'] },
  })
  const opened = await openIdentity({ issuer: strict.issuer, clientId: 'client_secret_post', clientSecret: SECRET })
  const { callback, transaction } = await answerLogin({ provider: strict, identity: opened }, 'alice')
  expect(await opened.browserLogin.complete(callback, transaction)).toMatchObject({ subject: 'alice' })
  await strict.close()
})

test('a wrong client secret is told to the operator and stays unknown', async () => {
  const opened = await openIdentity({
    issuer: provider.issuer,
    clientId: 'client_secret_basic',
    clientSecret: 'wrong-secret',
  })
  const { callback, transaction } = await answerLogin({ provider, identity: opened }, 'alice')
  expect(await refusal(opened.browserLogin.complete(callback, transaction), 'wrong-secret')).toMatchObject({
    code: 'login_failed',
    reason: 'client_refused',
  })
})

test('a secret file that is missing or empty prevents opening', async () => {
  const empty = join(folder, 'empty')
  writeFileSync(empty, '\n')
  for (const clientSecretFile of [empty, join(folder, 'missing')]) {
    const error = await refusal(openIdentity({ issuer: provider.issuer, clientId: 'x', clientSecretFile }))
    expect(error.code).toBe('configuration_invalid')
    expect(error.message).toContain('oidc.clientSecretFile')
  }
})

test.each([
  { path: '/token', how: 'status' },
  { path: '/token', how: 'drop' },
  { path: '/jwks', how: 'status' },
] as const)('an outage of $path ($how) in the middle of a login is unavailable', async (fault) => {
  const opened = await openIdentity({ issuer: provider.issuer, clientId: FORM_CLIENT })
  const { callback, transaction } = await answerLogin({ provider, identity: opened }, 'alice')
  provider.stopAnswering(fault)
  // Operators are told which identity provider is away.
  const { issuer: _, ...secret } = transaction
  const secrets = [callback.searchParams.get('code') ?? '', ...Object.values(secret)]
  const error = await refusal(opened.browserLogin.complete(callback, transaction), ...secrets)
  expect(error).toMatchObject({ code: 'unavailable', retryable: true })
})

test('ID tokens by a new key are accepted once the cool-down allows a fetch', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const opened = await openIdentity({ issuer: provider.issuer, clientId: FORM_CLIENT })
  const first = await answerLogin({ provider, identity: opened }, 'alice')
  await opened.browserLogin.complete(first.callback, first.transaction)
  await provider.rotateKeys()
  vi.setSystemTime(Date.now() + 31_000)
  const second = await answerLogin({ provider, identity: opened }, 'alice')
  expect(await opened.browserLogin.complete(second.callback, second.transaction)).toMatchObject({ subject: 'alice' })
})

test('a subject that differs by client names another owner in login and token', async () => {
  const pairwise = await startFormProvider({
    clients: [
      {
        client_id: FORM_CLIENT,
        redirect_uris: [CALLBACK_URL.href],
        token_endpoint_auth_method: 'none',
        subject_type: 'pairwise',
      },
    ],
    configuration: {
      subjectTypes: ['public', 'pairwise'],
      pairwiseIdentifier: async (_context, account, client) => `${client.clientId}-${account}`,
    },
  })
  const opened = await openIdentity({ issuer: pairwise.issuer, clientId: FORM_CLIENT })
  const { callback, transaction } = await answerLogin({ provider: pairwise, identity: opened }, 'alice')
  const person = await opened.browserLogin.complete(callback, transaction)
  const principal = await opened.verifyToken(await pairwise.issueAccessToken('alice'))
  expect(person.subject).toBe(`${FORM_CLIENT}-alice`)
  expect(principal.subject).toBe('alice')

  const byName = await openIdentity({
    issuer: pairwise.issuer,
    clientId: FORM_CLIENT,
    subjectClaim: 'employee',
    idTokenSubjectClaim: 'sub',
  })
  const token = await pairwise.issueAccessToken('x', { claims: { employee: `${FORM_CLIENT}-alice` } })
  const again = await answerLogin({ provider: pairwise, identity: byName }, 'alice')
  const login = await byName.browserLogin.complete(again.callback, again.transaction)
  expect((await byName.verifyToken(token)).subject).toBe(login.subject)
  await pairwise.close()
})
