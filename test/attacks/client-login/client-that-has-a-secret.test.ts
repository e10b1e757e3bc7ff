import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClientLoginHarness, loggedIn, requestTokens, startClientLogin } from '../../harness/client-login.ts'

let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

// RFC 6749 §5.2: "the authorization server MUST respond with an HTTP 401 […] and include the WWW-Authenticate response header field".
test('a client that authenticates by header is told the scheme (RFC 6749 §5.2)', async () => {
  const { grant } = await loggedIn(harness)
  const authorization = `Basic ${Buffer.from('a:b').toString('base64')}`
  const { status, headers } = await requestTokens(harness, grant, { headers: { authorization } })
  expect(status).toBe(401)
  expect(headers.get('www-authenticate')).toMatch(/^Basic/)
})
