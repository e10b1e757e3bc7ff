import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer
let link: Link

beforeAll(async () => {
  server = await startFormServer()
  link = await server.ask('alice')
})
afterAll(() => server.close())

test.each(['evil.example.com', 'localhost', 'localhost:1', '127.0.0.1', 'localhost.evil.example.com', ''])(
  'a request for host %j is answered with 421 and nothing of it comes back',
  async (host) => {
    for (const path of [link.entry, '/credentials/callback?state=x', '/credentials/nothing']) {
      const response = await server.send({ path, headers: { host } })
      expect(response.status).toBe(421)
      expect(response.text).not.toContain('evil')
      expect(response.headers['content-security-policy']).toContain("default-src 'none'")
      expect(response.headers['set-cookie']).toBeUndefined()
    }
    const posted = await server.send({ method: 'POST', path: link.submit, headers: { host }, body: 'pat=x' })
    expect(posted.status).toBe(421)
  },
)

test('forwarded headers change no address that a page or redirect contains', async () => {
  const alice = visitorOf(server)
  const headers = {
    'x-forwarded-host': 'evil.example.com',
    'x-forwarded-proto': 'https',
    'x-forwarded-prefix': '/evil',
    forwarded: 'host=evil.example.com;proto=https',
    'x-original-url': '/evil',
  }
  const page = await alice.get(link.entry, headers)
  expect(page.text).not.toContain('evil')
  const leaving = await alice.post('/credentials/login', { provider: 'jira', t: link.request.handle }, headers)
  expect(leaving.text).not.toContain('evil')
  expect(leaving.text).toContain(encodeURIComponent(`${server.baseUrl.origin}/credentials/callback`))
})
