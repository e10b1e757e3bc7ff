import { expect, onTestFinished, test } from 'vitest'
import { loggedIn, requestTokens, startClientLogin } from '../../harness/client-login.ts'

// "For public clients, authorization servers MUST rotate refresh tokens" (MCP, authorization, token theft; OAuth 2.1 §4.3.1). Here each
// client is public, and to the provider all of them are one confidential client, whose refresh tokens it need not rotate.
test('a refresh token that was used is worth nothing to its thief', async () => {
  const harness = await startClientLogin()
  onTestFinished(() => harness.close())
  const { grant, clientId } = await loggedIn(harness)
  const { body } = await requestTokens(harness, grant)
  const refresh = { grant_type: 'refresh_token', client_id: clientId, refresh_token: String(body['refresh_token']) }
  expect((await requestTokens(harness, refresh)).status).toBe(200)
  const thief = await requestTokens(harness, refresh)
  expect([thief.status, thief.body['error']]).toEqual([400, 'invalid_grant'])
})
