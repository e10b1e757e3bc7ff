import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

beforeAll(async () => {
  server = await startFormServer()
})
afterAll(() => server.close())

const ELSEWHERE = [
  'https://evil.example.com',
  '//evil.example.com',
  '\\\\evil.example.com',
  '/\\evil.example.com',
  'javascript:alert(1)',
]

test('no parameter of the callback sends the browser elsewhere', async () => {
  const link = await server.ask('alice')
  for (const [index, target] of ELSEWHERE.entries()) {
    const visitor = visitorOf(server)
    const callback = await visitor.signInUpToCallback('alice', link)
    const names = ['next', 'return_to', 'redirect_uri', 'provider', 't', 'target']
    const extra = names.map((name) => `${name}=${encodeURIComponent(target)}`).join('&')
    const back = await visitor.get(`${callback}&${extra}`)
    expect(back.status, String(index)).toBe(303)
    expect(back.headers.location).toBe(server.baseUrl.origin + link.entry)
  }
})

test("a login takes no way back but a link's service and handle", async () => {
  const handle = 'a'.repeat(43)
  for (const target of ELSEWHERE) {
    for (const fields of [
      { provider: target, t: handle },
      { provider: 'jira', t: target },
      { provider: 'jira', t: handle, next: target },
      { provider: `jira/../../${target}`, t: handle },
    ]) {
      const visitor = visitorOf(server)
      const response = await server.send({
        method: 'POST',
        path: '/credentials/login',
        body: new URLSearchParams(fields).toString(),
      })
      expect([400, 429]).toContain(response.status)
      expect(response.text).not.toContain('evil')
      expect(visitor.cookies.size).toBe(0)
    }
  }
})
