import { expect, onTestFinished, test } from 'vitest'
import {
  type ClientLoginHarnessOptions,
  loggedIn,
  requestTokens,
  startClientLogin,
} from '../../harness/client-login.ts'

// "For public clients, authorization servers MUST rotate refresh tokens" (MCP, authorization, token theft; OAuth 2.1 §4.3.1). Here each
// client is public, and to the provider all of them are one confidential client. This server keeps nothing, so that rotation is the
// provider's to do, and the operator's to turn on.
async function refreshedTwice(options: ClientLoginHarnessOptions = {}, begin?: (accessToken: string) => void) {
  const harness = await startClientLogin(options)
  onTestFinished(() => harness.close())
  const { grant, clientId } = await loggedIn(harness)
  const { body } = await requestTokens(harness, grant)
  begin?.(String(body['access_token']))
  const refresh = { grant_type: 'refresh_token', client_id: clientId, refresh_token: String(body['refresh_token']) }
  return { harness, first: await requestTokens(harness, refresh), thief: await requestTokens(harness, refresh) }
}

test('a provider that does not rotate lets a thief refresh, and the operator is told, once', async () => {
  const { harness, first, thief } = await refreshedTwice()
  expect([first.status, thief.status]).toEqual([200, 200])
  const told = harness.problems.filter((problem) => problem.includes('does not rotate the refresh tokens'))
  expect(told).toEqual([expect.stringContaining('Turn rotation on for the client mcp-server')])
})

test('a provider that refuses a used refresh token refuses the thief, and nobody is warned', async () => {
  let refreshes = 0
  let accessToken = ''
  const intercept: ClientLoginHarnessOptions['intercept'] = (request, response) => {
    if (request.url !== '/token' || accessToken === '') return false
    request.resume()
    refreshes += 1
    const answer = refreshes === 1 ? { access_token: accessToken, token_type: 'Bearer', refresh_token: 'next' } : USED
    response.writeHead(refreshes === 1 ? 200 : 400, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    return true
  }
  const { harness, first, thief } = await refreshedTwice({ intercept }, (token) => {
    accessToken = token
  })
  expect([first.status, thief.status, thief.body['error']]).toEqual([200, 400, 'invalid_grant'])
  expect(harness.problems).toEqual([])
})

const USED = { error: 'invalid_grant' }
