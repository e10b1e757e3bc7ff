import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer
let alice: Visitor
let link: Link
let token: string

beforeAll(async () => {
  server = await startFormServer()
  link = await server.ask('alice')
  alice = visitorOf(server)
  await alice.signIn('alice', link)
  token = csrfOf((await alice.get(link.entry)).text, link)
})
afterAll(() => server.close())

test('a body that says it is longer than 64 kB is refused before it is read', async () => {
  const answered = await new Promise<string>((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => {
      // Only the head is sent: whoever waits for the body waits for ever.
      socket.write(
        [
          `POST ${link.submit} HTTP/1.1`,
          `Host: ${server.baseUrl.host}`,
          `Origin: ${server.baseUrl.origin}`,
          'Content-Type: application/x-www-form-urlencoded',
          `Content-Length: ${64 * 1024 + 1}`,
          '\r\n',
        ].join('\r\n'),
      )
    })
    socket.once('data', (chunk) => {
      resolve(chunk.toString())
      socket.destroy()
    })
    socket.once('error', reject)
  })
  expect(answered).toMatch(/^HTTP\/1\.1 413 /)
  expect(answered).toContain('Content-Security-Policy')
})

test('a chunked body is cut off at 64 kB, and one in small pieces of nothing but separators too', async () => {
  for (const filler of ['x'.repeat(70_000), '&'.repeat(70_000)]) {
    const body = `csrf-token=${token}&pat=${filler}`
    const sent = await alice.post(link.submit, body, { 'transfer-encoding': 'chunked' })
    expect(sent.status).toBe(413)
  }
})

test('more fields than a form can have are refused, and one field longer than its limit is not cut', async () => {
  const many = Array.from({ length: 100 }, (_, index) => `f${index}=1`).join('&')
  expect((await alice.post(link.submit, `csrf-token=${token}&${many}`)).status).toBe(400)
  const long = await alice.post(link.submit, { ...GOOD_VALUES, 'csrf-token': token, pat: 'x'.repeat(4097) })
  expect(long.status).toBe(422)
  expect(long.text).toContain('longer than 4096 characters')
  expect(await server.stored('alice')).toBe('absent')
})

test('the longest header a server takes is refused by the server, and it goes on serving', async () => {
  const response = await alice.get(link.entry, { 'x-filler': 'y'.repeat(20_000) }).catch(() => undefined)
  expect(response === undefined || response.status === 431).toBe(true)
  expect((await alice.get(link.entry)).status).toBe(200)
})
