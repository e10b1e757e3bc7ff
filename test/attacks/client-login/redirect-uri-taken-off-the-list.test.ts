import { expect, onTestFinished, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'
import { pkce } from '../../harness/client-login.ts'

// The domain of a web client is lost to an attacker. The operator takes its redirect URI off the list and restarts.
const LOST = 'https://app.example.com/callback'

async function start(redirectUris: readonly string[], rememberConsentDays = 0): Promise<FormServer> {
  const server = await startFormServer({
    serverBaseUrl: 'https://vault.example.com',
    oidc: { scopes: ['mcp'], clientLogin: { redirectUris, rememberConsentDays } },
  })
  onTestFinished(() => server.close())
  return server
}

async function register(server: FormServer): Promise<string> {
  const { text } = await server.send({
    method: 'POST',
    path: '/credentials/register',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [LOST] }),
  })
  return JSON.parse(text).client_id
}

test('a client id from before does not send users to what is no longer listed', async () => {
  const clientId = await register(await start([LOST]))
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: LOST,
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
  })
  const { status } = await visitorOf(await start([])).get(`/credentials/authorize?${query}`)
  expect(status).toBe(400)
})
