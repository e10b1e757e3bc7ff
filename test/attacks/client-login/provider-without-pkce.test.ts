import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import {
  authorizationUrl,
  type ClientLoginHarness,
  clientBrowser,
  loggedIn,
  pkce,
  REDIRECT_URI,
  refusals,
  registered,
  requestTokens,
  startClientLogin,
} from '../../harness/client-login.ts'

// A provider that ignores PKCE. A code of somebody else, read in a log or a history, could then be put into the attacker's own login. One
// that claims no PKCE is refused; at one that claims it wrongly, the nonce in the ID token tells, if there is an ID token.
const ORIGINAL = 'x-original'
/** What the provider sees of every login, so that it cannot tell them apart. */
const FIXED = pkce()

const withoutPkce =
  (claimsIt: boolean) =>
  (request: IncomingMessage, response: ServerResponse): boolean => {
    if (request.headers[ORIGINAL] !== undefined) return false
    const url = new URL(request.url ?? '', `http://${request.headers.host}`)
    if (url.pathname === '/auth') {
      url.searchParams.set('code_challenge', FIXED.challenge)
      request.url = url.pathname + url.search
      return false
    }
    if (url.pathname !== '/token' && !url.pathname.startsWith('/.well-known/')) return false
    void answerOf(request, url, claimsIt).then(({ status, json }) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json)),
    )
    return true
  }

async function answerOf(
  request: IncomingMessage,
  url: URL,
  claimsIt: boolean,
): Promise<{ status: number; json: object }> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const body = new URLSearchParams(Buffer.concat(chunks).toString())
  body.set('code_verifier', FIXED.verifier)
  const { authorization = '' } = request.headers
  const asked = request.method === 'POST' ? { method: 'POST', body } : {}
  const original = await fetch(url, { ...asked, headers: { [ORIGINAL]: '1', authorization } })
  const { code_challenge_methods_supported: _, ...json } = (await original.json()) as Record<string, unknown>
  return { status: original.status, json: { ...json, ...(claimsIt && { code_challenge_methods_supported: ['S256'] }) } }
}

/** A login, up to the callback's address, which is not opened. */
async function upToCallback(harness: ClientLoginHarness, challenge: string, user: string) {
  const browser = clientBrowser(`${harness.baseUrl}/credentials/callback?code`)
  const clientId = await registered(harness)
  const url = authorizationUrl(harness, { client_id: clientId, code_challenge: challenge })
  const leaving = await browser.press(await browser.open(url), 'Continue')
  const signIn = await browser.follow(leaving, 'Continue')
  const { url: callback } = await browser.press(signIn, `Continue as ${user}`)
  return { clientId, callback: new URL(callback), browser }
}

test('a provider that does not claim PKCE is refused when the vault opens', async () => {
  await expect(startClientLogin({ intercept: withoutPkce(false) })).rejects.toMatchObject({
    code: 'configuration_invalid',
    reason: 'pkce_missing',
    message: expect.stringContaining('Enable PKCE at the identity provider, or remove oidc.clientLogin.'),
  })
})

test('a code that was issued to somebody else, put into the own login', async () => {
  const harness = await startClientLogin({
    intercept: withoutPkce(true),
    clientLogin: { scopes: { mcp: 'mcp openid', offline_access: 'offline_access' } },
  })
  onTestFinished(() => harness.close())
  const victim = await upToCallback(harness, pkce().challenge, 'Alice')
  const { verifier, challenge } = pkce()
  const attacker = await upToCallback(harness, challenge, 'Bob')
  // In another order, so that this browser opens it.
  const answer = new URLSearchParams([...attacker.callback.searchParams].reverse())
  answer.set('code', victim.callback.searchParams.get('code') ?? '')
  const page = await attacker.browser.open(`${harness.baseUrl}/credentials/callback?${answer}`)
  const back = /href="(http:\/\/127[^"]+)"/.exec(page.html)?.[1]?.replaceAll('&amp;', '&')
  const code = back === undefined ? '' : (new URL(back).searchParams.get('code') ?? '')
  const { status, body } = await requestTokens(harness, {
    grant_type: 'authorization_code',
    client_id: attacker.clientId,
    redirect_uri: REDIRECT_URI,
    code,
    code_verifier: verifier,
  })
  expect([status, body['error']]).toEqual([400, 'invalid_grant'])
  expect(refusals(harness).at(-1)).toBe('nonce')
})

test('with an ID token of its own nonce, a login succeeds there', async () => {
  const harness = await startClientLogin({
    intercept: withoutPkce(true),
    clientLogin: { scopes: { mcp: 'mcp openid', offline_access: 'offline_access' } },
  })
  onTestFinished(() => harness.close())
  const { grant } = await loggedIn(harness)
  expect((await requestTokens(harness, grant)).status).toBe(200)
})
