import { afterEach, expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

afterEach(() => server.close())

const LIES = {
  'x-forwarded-host': 'evil.example.com',
  'x-forwarded-server': 'evil.example.com',
  'x-forwarded-proto': 'https',
  'x-forwarded-scheme': 'https',
  'x-forwarded-port': '443',
  'x-forwarded-prefix': '/evil',
  'x-host': 'evil.example.com',
  'x-original-url': '/evil',
  'x-rewrite-url': '/evil',
  forwarded: 'for=192.0.2.1;host=evil.example.com;proto=https',
}

test('no header of a proxy changes what pages, redirects, cookies, challenges and metadata say of this server', async () => {
  server = await startFormServer()
  const link = await server.ask('alice')
  const plain = visitorOf(server)
  const lied = visitorOf(server)
  for (const path of [link.entry, '/.well-known/oauth-protected-resource/mcp', '/credentials/style.css']) {
    const [honest, told] = [await plain.get(path), await lied.get(path, LIES)]
    expect(told.status, path).toBe(honest.status)
    expect(told.text, path).toBe(honest.text)
    expect({ ...told.headers, date: '' }, path).toEqual({ ...honest.headers, date: '' })
  }
  const leaving = await lied.post('/credentials/login', { provider: 'jira', t: link.request.handle }, LIES)
  expect(leaving.text).not.toContain('evil')
  expect(leaving.text).toContain(encodeURIComponent(`${server.baseUrl.origin}/credentials/callback`))
  // On http loopback a cookie that claimed https would be lost, and with it the login.
  expect(String(leaving.headers['set-cookie'])).not.toMatch(/Secure|evil/)
})

test('without a trusted proxy nobody escapes a limit by naming other addresses', async () => {
  server = await startFormServer({ options: { trustedProxies: 0, rateLimits: { pagesPerMinute: 5 } } })
  const link = await server.ask('alice')
  const visitor = visitorOf(server)
  const statuses: number[] = []
  for (let turn = 0; turn < 7; turn += 1) {
    const headers = {
      'x-forwarded-for': `192.0.2.${turn}`,
      forwarded: `for=192.0.2.${turn}`,
      'x-real-ip': `192.0.2.${turn}`,
    }
    statuses.push((await visitor.get(link.entry, headers)).status)
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429])
})

test('behind one proxy only the address that the proxy itself appended counts', async () => {
  server = await startFormServer({ options: { trustedProxies: 1, rateLimits: { pagesPerMinute: 5 } } })
  const link = await server.ask('alice')
  const visitor = visitorOf(server)
  const statuses: number[] = []
  for (let turn = 0; turn < 7; turn += 1) {
    const headers = { 'x-forwarded-for': `192.0.2.${turn}, 198.51.100.${turn}, 203.0.113.7` }
    statuses.push((await visitor.get(link.entry, headers)).status)
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429])
})
