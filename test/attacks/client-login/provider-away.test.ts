import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  type ClientLoginHarness,
  loggedIn,
  refusals,
  requestTokens,
  startClientLogin,
} from '../../harness/client-login.ts'

// Clients that read invalid_grant throw their tokens away. An outage, however caused, must not look like one.
let harness: ClientLoginHarness
let refresh: Record<string, string>
beforeAll(async () => {
  harness = await startClientLogin()
  const { grant, clientId } = await loggedIn(harness)
  const { body } = await requestTokens(harness, grant)
  refresh = { grant_type: 'refresh_token', client_id: clientId, refresh_token: String(body['refresh_token']) }
})
afterEach(() => harness.provider.startAnswering())
afterAll(() => harness.close())

test.each(['status', 'drop'] as const)(
  'the token endpoint is away (%s): clients are told to try later',
  async (how) => {
    harness.provider.stopAnswering({ path: '/token', how })
    const { status, headers, body } = await requestTokens(harness, refresh)
    expect([status, body['error'], headers.get('retry-after')]).toEqual([503, 'temporarily_unavailable', '10'])
    expect(refusals(harness).at(-1)).toMatch(/^issuer_/)
    expect(harness.vault.problems().has('identity')).toBe(true)

    harness.provider.startAnswering()
    const again = await requestTokens(harness, refresh)
    expect(again.status).toBe(200)
    expect(harness.vault.problems().has('identity')).toBe(false)
    refresh = { ...refresh, refresh_token: String(again.body['refresh_token']) }
  },
)

test('a refusal of our own client is no refusal of theirs', async () => {
  const strict = await startClientLogin({
    intercept(request, response) {
      if (request.url !== '/token') return false
      request.resume()
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"invalid_client"}')
      return true
    },
  })
  const { grant } = await loggedIn(strict)
  const { status, body } = await requestTokens(strict, grant)
  expect([status, body['error']]).toEqual([500, 'server_error'])
  expect(refusals(strict).at(-1)).toBe('client_refused')
  expect(strict.problems.join()).toContain('Check oidc.clientLogin')
  await strict.close()
})

test.each([
  ['<html>Bad gateway</html>', 400],
  ['{"error":"temporarily_unavailable"}', 400],
])('an answer that is not about the grant: %s', async (answer, code) => {
  const broken = await startClientLogin({
    intercept(request, response) {
      if (request.url !== '/token') return false
      request.resume()
      response.writeHead(code, { 'content-type': 'text/html' }).end(answer)
      return true
    },
  })
  const { grant } = await loggedIn(broken)
  const { status, body } = await requestTokens(broken, grant)
  expect([status, body['error']]).toEqual([503, 'temporarily_unavailable'])
  await broken.close()
})

test("a token that cannot be checked right now is the client's: the provider has replaced its refresh token", async () => {
  const harness = await startClientLogin()
  harness.provider.stopAnswering({ path: '/jwks' })
  const { grant } = await loggedIn(harness)
  expect((await requestTokens(harness, grant)).status).toBe(200)
  expect(harness.audit.events.at(-1)).toMatchObject({ type: 'client.token_issued', reason: 'issuer_status' })
  await harness.close()
})
