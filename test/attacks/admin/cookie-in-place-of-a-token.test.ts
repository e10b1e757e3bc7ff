import { expect, test } from 'vitest'
import { httpBrowser } from '../../../examples/tickets/http-browser.ts'
import { startAdminHarness } from '../../harness/admin-api.ts'
import { linkIn, openForm } from '../../harness/mcp-harness.ts'

test('the session of the form counts for nothing at the admin API', async () => {
  const harness = await startAdminHarness()
  try {
    await harness.store('jira', 'bob')
    const client = await harness.connect('alice')
    const cookies = new Map<string, string>()
    const realFetch = globalThis.fetch
    // Keeps what the browser is given, since it shows its cookies to nobody.
    globalThis.fetch = async (...given) => {
      const response = await realFetch(...given)
      for (const line of response.headers.getSetCookie()) {
        const [pair = ''] = line.split(';')
        cookies.set(pair.split('=')[0] ?? '', pair)
      }
      return response
    }
    try {
      await openForm(httpBrowser(), linkIn((await client.text()).text), 'alice')
    } finally {
      globalThis.fetch = realFetch
    }
    expect(cookies.size).toBeGreaterThan(0)
    const headers = { cookie: [...cookies.values()].join('; ') }
    const asked = await harness.admin('GET', 'credentials', { token: undefined, headers })
    expect([asked.status, asked.text]).toEqual([401, '{"error":"unauthorized"}'])
    const body = harness.owner('bob')
    expect((await harness.admin('POST', 'offboard', { token: undefined, headers, body })).status).toBe(401)
    expect((await harness.scim('GET', 'Users', { token: undefined, headers })).status).toBe(401)
    expect(await harness.status('jira', 'bob')).toBe('active')
    // Nor does it set any.
    expect((await harness.admin('GET', 'credentials', { headers })).headers.getSetCookie()).toEqual([])
  } finally {
    await harness.close()
  }
})
