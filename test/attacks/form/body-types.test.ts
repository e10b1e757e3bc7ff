import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer
let alice: Visitor
let link: Link
let fields: Record<string, string>

beforeAll(async () => {
  server = await startFormServer()
  link = await server.ask('alice')
  alice = visitorOf(server)
  await alice.signIn('alice', link)
  fields = { ...GOOD_VALUES, 'csrf-token': csrfOf((await alice.get(link.entry)).text, link) }
})
afterAll(() => server.close())

test.each([
  ['application/json'],
  ['text/plain'],
  ['multipart/form-data; boundary=x'],
  ['application/x-www-form-urlencoded, application/json'],
  ['application/x-www-form-urlencoded; charset=utf-7'],
  ['application/x-www-form-urlencoded-not'],
  [''],
  [null],
])(
  'a body of type %s is refused, however good its content',
  async (type) => {
    for (const body of [JSON.stringify(fields), new URLSearchParams(fields).toString()]) {
      for (const path of [link.submit, link.cancel, '/credentials/login', '/credentials/sign-out']) {
        expect((await alice.post(path, body, { 'content-type': type })).status).toBe(415)
      }
    }
    expect(await server.stored('alice')).toBe('absent')
  },
  60_000,
)

test('a compressed body is refused', async () => {
  const body = gzipSync(new URLSearchParams(fields).toString())
  const sent = await server.send({
    method: 'POST',
    path: link.submit,
    body,
    headers: { 'content-encoding': 'gzip', cookie: [...alice.cookies].map((pair) => pair.join('=')).join('; ') },
  })
  expect(sent.status).toBe(415)
})

test('the type may say that it is UTF-8', async () => {
  const sent = await alice.post(link.submit, fields, {
    'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
  })
  expect(sent.status).toBe(303)
})
