import { afterAll, beforeAll, expect, test } from 'vitest'
import { authorizationUrl, type ClientLoginHarness, registered, startClientLogin } from '../../harness/client-login.ts'

// A page shows ours in an invisible frame and has the victim press Continue.
let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

test('no browser shows the consent page in a frame', async () => {
  const clientId = await registered(harness)
  const { headers } = await fetch(authorizationUrl(harness, { client_id: clientId }))
  expect(headers.get('x-frame-options')).toBe('DENY')
  expect(headers.get('content-security-policy')?.split('; ')).toContain("frame-ancestors 'none'")
  expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
  expect(headers.get('cache-control')).toBe('no-store')
})

test.each(['iframe', 'frame', 'embed', 'object', 'image', 'script'])('asked for as %s, it is not there', async (as) => {
  const clientId = await registered(harness)
  const headers = { 'sec-fetch-dest': as }
  const response = await fetch(authorizationUrl(harness, { client_id: clientId }), { headers })
  expect(response.status).toBe(403)
  expect(await response.text()).not.toContain('name="request"')
  expect(response.headers.getSetCookie()).toEqual([])
})
