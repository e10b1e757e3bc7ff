import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { browserOf } from '../harness/browser/test-browser.ts'
import { startIdentityProvider, type TestIdentityProvider } from '../harness/identity/identity-provider.ts'
import {
  beginLogin,
  FORM_CLIENT,
  type OpenedIdentity,
  openIdentity,
  RESOURCE,
  startFormProvider,
} from '../harness/identity/opened-identity.ts'

let provider: TestIdentityProvider
let identity: OpenedIdentity
beforeAll(async () => {
  provider = await startFormProvider()
  identity = await openIdentity({ issuer: provider.issuer, clientId: FORM_CLIENT })
})
afterAll(() => provider.close())

async function signInPage(): Promise<Response> {
  const browser = browserOf()
  const { redirectTo } = await beginLogin(identity)
  const answer = await browser.fetch(redirectTo)
  return browser.fetch(new URL(answer.headers.get('location') ?? '', provider.issuer).href)
}

test('the sign-in page has one button per person, no script and nothing from outside', async () => {
  const page = await signInPage()
  const html = await page.text()
  expect(html).toContain('Sign in to Example Company')
  expect(html).toMatch(/<button name="account" value="alice">Continue as Alice<\/button>/)
  expect(html).toMatch(/<button name="account" value="bob">Continue as Bob<\/button>/)
  expect(html).not.toMatch(/<script|https?:|\son\w+=/i)
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
})

test('nobody signs in who is not among its people', async () => {
  const { redirectTo } = await beginLogin(identity)
  await expect(provider.signIn(redirectTo, 'mallory')).rejects.toThrow('400')
})

test('a sign-in page that was never begun is a notice', async () => {
  const answer = await fetch(`${provider.issuer}/sign-in/unknown`)
  expect(answer.status).toBe(400)
  expect(await answer.text()).toContain('no longer open')
})

test('an MCP client registers itself and gets a token for the resource', async () => {
  const redirectUri = 'http://127.0.0.1:33418/callback'
  const registered = await fetch(`${provider.issuer}/reg`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      client_name: 'Some MCP client',
    }),
  })
  expect(registered.status).toBe(201)
  const { client_id } = (await registered.json()) as { client_id: string }
  const verifier = 'v'.repeat(43)
  const challenge = Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)))
  const authorization = new URLSearchParams({
    client_id,
    response_type: 'code',
    redirect_uri: redirectUri,
    resource: RESOURCE,
    scope: 'mcp',
    state: 's',
    code_challenge: challenge.toString('base64url'),
    code_challenge_method: 'S256',
  })
  const callback = await provider.signIn(`${provider.issuer}/auth?${authorization}`, 'bob')
  const tokens = await fetch(`${provider.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id,
      redirect_uri: redirectUri,
      resource: RESOURCE,
      code: callback.searchParams.get('code') ?? '',
      code_verifier: verifier,
    }),
  })
  const { access_token } = (await tokens.json()) as { access_token: string }
  expect(await identity.verifyToken(access_token)).toMatchObject({
    subject: 'bob',
    clientId: client_id,
    scopes: ['mcp'],
  })
})

test('a request without PKCE is refused', async () => {
  const { redirectTo } = await beginLogin(identity)
  const url = new URL(redirectTo)
  url.searchParams.delete('code_challenge')
  url.searchParams.delete('code_challenge_method')
  const callback = await provider.signIn(url.href, 'alice')
  expect(callback.searchParams.get('error')).toBe('invalid_request')
})

test('it closes while connections are open, and its port is free again', async () => {
  const first = await startIdentityProvider({ resource: RESOURCE })
  await fetch(`${first.issuer}/jwks`)
  await first.close()
  const again = await startIdentityProvider({ resource: RESOURCE, port: Number(new URL(first.issuer).port) })
  expect(again.issuer).toBe(first.issuer)
  await again.close()
})

test('localhost can be its name', async () => {
  const named = await startIdentityProvider({ resource: RESOURCE, host: 'localhost' })
  expect(named.issuer).toMatch(/^http:\/\/localhost:\d+$/)
  await openIdentity({ issuer: named.issuer, clientId: 'form' })
  await named.close()
})

test('it starts without a word', () => {
  const program = `
    import { startIdentityProvider } from './examples/tickets/identity-provider.ts'
    const provider = await startIdentityProvider({ resource: '${RESOURCE}' })
    await fetch(provider.issuer + '/.well-known/openid-configuration')
    await provider.close()`
  const run = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    encoding: 'utf8',
  })
  expect(run.stdout + run.stderr).toBe('')
  expect(run.status).toBe(0)
})
