import { METHODS } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer
let alice: Visitor
let link: Link

beforeAll(async () => {
  server = await startFormServer()
  link = await server.ask('alice')
  alice = visitorOf(server)
  await alice.signIn('alice', link)
})
afterAll(() => server.close())

const cookie = () => [...alice.cookies].map((pair) => pair.join('=')).join('; ')

test('link previews, prefetches and HEAD leave the link as it was, and HEAD tells nothing', async () => {
  const before = server.audit.events.length
  for (const path of [link.entry, link.done, '/credentials/callback?state=x&code=y']) {
    const { status, text, headers } = await server.send({ method: 'HEAD', path, headers: { cookie: cookie() } })
    expect(status).toBe(200)
    expect(text).toBe('')
    expect(headers['set-cookie']).toBeUndefined()
    expect(headers['content-security-policy']).toBeDefined()
  }
  expect(server.audit.events.length).toBe(before)
  for (const destination of ['empty', 'image', 'script', 'iframe', 'object', 'embed']) {
    const { status } = await alice.get(link.entry, { 'sec-fetch-dest': destination, 'sec-purpose': 'prefetch' })
    expect(status).toBe(403)
  }
  for (let times = 0; times < 3; times += 1) {
    expect((await alice.get(link.entry, { 'sec-fetch-dest': 'document', 'sec-purpose': 'prefetch' })).status).toBe(200)
  }
  expect((await server.pendingRequests.find(link.request.handle))?.state).toBe('open')
})

test('every other method is refused on every path, with what is allowed', async () => {
  const paths = {
    [link.entry]: 'GET, HEAD',
    [link.done]: 'GET, HEAD',
    '/credentials/callback': 'GET, HEAD',
    [link.submit]: 'POST',
    [link.cancel]: 'POST',
    '/credentials/login': 'POST',
    '/credentials/sign-out': 'POST',
  }
  const wrong = METHODS.filter((method) => !['CONNECT', 'UPGRADE', 'HEAD', 'GET', 'POST'].includes(method))
  for (const [path, allowed] of Object.entries(paths)) {
    for (const method of [...wrong, ...(allowed === 'POST' ? ['GET', 'HEAD'] : ['POST'])]) {
      const body = method === 'POST' ? new URLSearchParams(GOOD_VALUES).toString() : undefined
      const { status, headers } = await server.send({
        method,
        path,
        headers: { cookie: cookie() },
        ...(body === undefined ? {} : { body }),
      })
      expect(status, `${method} ${path}`).toBe(405)
      expect(headers.allow, `${method} ${path}`).toBe(allowed)
    }
  }
  expect((await server.pendingRequests.find(link.request.handle))?.state).toBe('open')
})
