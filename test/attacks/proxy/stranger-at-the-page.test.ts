import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyHarness } from '../../harness/proxy/proxy-harness.ts'

const TENANT = 'acme-internal-tenant'
let proxy: ProxyHarness

beforeAll(async () => {
  proxy = await startProxyHarness({
    config: {
      label: '"><script>alert(1)</script>',
      headers: { Authorization: 'Bearer {pat}', 'X-Tenant': TENANT },
      tools: { deny: ['a_denied_tool'] },
    },
  })
  await (await proxy.connectAndFill('alice')).text('who_am_i')
})
afterAll(() => proxy.close())

function get(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') {
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
    const { hostname, port } = new URL(proxy.harness.baseUrl)
    const asked = request({ hostname, port, path, method, headers }, async (response) => {
      let text = ''
      for await (const chunk of response) text += String(chunk)
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
    })
    asked.once('error', reject)
    asked.end()
  })
}

test('a stranger learns names and our own addresses, and nothing of what is behind them', async () => {
  const { status, text } = await get('/')
  expect(status).toBe(200)
  expect(text).toContain(`${proxy.harness.baseUrl}/gitlab/mcp`)
  for (const hidden of [new URL(proxy.upstream.url).host, TENANT, 'X-Tenant', 'Bearer', 'a_denied_tool', 'alice'])
    expect(text).not.toContain(hidden)
})

test('a label is text, and the page runs no script', async () => {
  const { text, headers } = await get('/')
  expect(text).not.toContain('<script>alert')
  expect(text).toContain('&lt;script&gt;')
  expect(String(headers['content-security-policy'])).toContain("default-src 'none'")
  expect(headers['x-frame-options']).toBe('DENY')
})

test('the addresses come from the configuration, never from what a request claims', async () => {
  const { text } = await get('/', { host: 'evil.example', 'x-forwarded-host': 'evil.example' })
  expect(text).not.toContain('evil.example')
})

test('it answers nothing but GET and HEAD, at its own path alone, and what is not there is not found', async () => {
  expect((await get('/', {}, 'POST')).status).toBe(405)
  expect(await get('/', {}, 'HEAD')).toMatchObject({ status: 200, text: '' })
  for (const path of ['//', '/?x', '/index.html', '/%2e', '/gitlab', '/gitlab/mcp/']) {
    const { status, text } = await get(path)
    expect([path, status === 200 && path !== '/?x']).toEqual([path, false])
    expect(text).not.toContain(TENANT)
  }
})

test('without a token, the address of a server answers 401 alone', async () => {
  const { status, text } = await get('/gitlab/mcp')
  expect(status).toBe(401)
  expect(text).not.toContain('GitLab')
})
