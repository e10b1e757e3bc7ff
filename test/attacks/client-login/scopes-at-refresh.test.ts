import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import {
  authorizationUrl,
  pkce,
  REDIRECT_URI,
  registered,
  requestTokens,
  startClientLogin,
  walkLogin,
} from '../../harness/client-login.ts'

// Some providers, such as Entra ID, take any scope at a refresh that their one client was ever allowed. All clients are that one client.
async function refreshing(scope: string) {
  const asked: URLSearchParams[] = []
  let accessToken = ''
  const intercept = (request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== 'POST' || request.url !== '/token' || accessToken === '') return false
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      const body = new URLSearchParams(text)
      asked.push(body)
      response.writeHead(200, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          access_token: accessToken,
          token_type: 'Bearer',
          scope: body.get('scope') ?? 'mcp offline_access',
        }),
      )
    })
    return true
  }
  const harness = await startClientLogin({
    intercept,
    clientLogin: { scopes: { mcp: 'mcp', admin: 'admin', offline_access: 'offline_access' } },
  })
  onTestFinished(() => harness.close())
  const client_id = await registered(harness)
  const { verifier, challenge } = pkce()
  const back = await walkLogin(authorizationUrl(harness, { client_id, code_challenge: challenge, scope: 'mcp' }))
  const { body } = await requestTokens(harness, {
    grant_type: 'authorization_code',
    client_id,
    redirect_uri: REDIRECT_URI,
    code: back.searchParams.get('code') ?? '',
    code_verifier: verifier,
  })
  accessToken = String(body['access_token'])
  const answer = await requestTokens(harness, {
    grant_type: 'refresh_token',
    client_id,
    refresh_token: String(body['refresh_token']),
    scope,
  })
  return { granted: body['scope'], answer, asked }
}

test('a scope that the login was not for is not asked for at a refresh (RFC 6749 §6)', async () => {
  const { asked, answer } = await refreshing('mcp admin')
  expect({ status: answer.status, scope: asked[0]?.get('scope') ?? undefined }).not.toMatchObject({
    scope: 'mcp admin',
  })
})

test('a refresh for scopes that nobody knows does not give all of them', async () => {
  const { answer } = await refreshing('nothing')
  expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_scope'])
})
