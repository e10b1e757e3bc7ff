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

// The client leaves out the scope that each access token must have, and asks for another one that the operator offers.
test('a token that /mcp refuses is not passed on', async () => {
  const harness = await startClientLogin({
    clientLogin: { scopes: { mcp: 'mcp', profile: 'openid', offline_access: 'offline_access' } },
  })
  onTestFinished(() => harness.close())
  const client_id = await registered(harness)
  const { verifier, challenge } = pkce()
  const back = await walkLogin(authorizationUrl(harness, { client_id, code_challenge: challenge, scope: 'profile' }))
  const { status, body } = await requestTokens(harness, {
    grant_type: 'authorization_code',
    client_id,
    redirect_uri: REDIRECT_URI,
    code: back.searchParams.get('code') ?? '',
    code_verifier: verifier,
  })
  const { status: atMcp } = await fetch(`${harness.baseUrl}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${body['access_token']}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
    }),
  })
  expect({ passedOn: status === 200, acceptedAtMcp: atMcp === 200 }).not.toEqual({
    passedOn: true,
    acceptedAtMcp: false,
  })
})
