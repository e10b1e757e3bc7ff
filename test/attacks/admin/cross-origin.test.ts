import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AdminHarness, startAdminHarness } from '../../harness/admin-api.ts'

let harness: AdminHarness
beforeAll(async () => {
  harness = await startAdminHarness()
})
afterAll(() => harness.close())

const corsHeaders = (headers: Headers) => [...headers.keys()].filter((name) => name.startsWith('access-control-'))

test('no page may call, not even one of the server itself, and no preflight is answered', async () => {
  for (const origin of ['https://evil.example.com', 'null', harness.baseUrl]) {
    const preflight = await harness.admin('OPTIONS', 'offboard', {
      token: undefined,
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    })
    expect([preflight.status, corsHeaders(preflight.headers)]).toEqual([403, []])
    for (const token of [undefined, harness.operatorToken]) {
      const asked = await harness.admin('GET', 'credentials', { token, headers: { origin } })
      expect([asked.status, asked.text, corsHeaders(asked.headers)]).toEqual([
        403,
        '{"error":"origin_not_allowed"}',
        [],
      ])
    }
    expect((await harness.scim('GET', 'Users', { headers: { origin } })).status).toBe(403)
  }
  expect(corsHeaders((await harness.admin('GET', 'credentials')).headers)).toEqual([])
})

test('a form cannot be sent to it: other types of bodies are refused', async () => {
  const body = new URLSearchParams({ ...harness.owner('bob') }).toString()
  for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x', '']) {
    const { status } = await harness.admin('POST', 'offboard', { body, headers: { 'content-type': type } })
    expect(status, type).toBe(415)
  }
})

test('the answers are stored by no cache and shown in no frame', async () => {
  const { headers } = await harness.admin('GET', 'credentials')
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('content-security-policy')).toContain("default-src 'none'")
})
