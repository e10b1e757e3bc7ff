import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer
let link: Link
let cookie: string

beforeAll(async () => {
  server = await startFormServer()
  link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  cookie = [...alice.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
})
afterAll(() => server.close())

/** What the server says until it closes the connection; a server that keeps it is given up after long enough. */
async function say(...lines: readonly string[]): Promise<{ answers: readonly string[]; closed: boolean }> {
  const socket = connect(server.port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', () => {})
  socket.write(lines.join('\r\n'))
  const closed = await Promise.race([
    // A reset is an end too, which `once` of node:events rejects with.
    new Promise<boolean>((resolve) => socket.once('close', () => resolve(true))),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 30_000)),
  ])
  socket.destroy()
  return { answers: text.match(/^HTTP\/1\.1 \d+/gm) ?? [], closed }
}

const smuggled = 'GET /credentials/nothing HTTP/1.1\r\nHost: x\r\n\r\n'

test.each<[string, readonly string[]]>([
  ['both lengths', ['Content-Length: 4', 'Transfer-Encoding: chunked', '', `0\r\n\r\n${smuggled}`]],
  ['two lengths', ['Content-Length: 0', `Content-Length: ${smuggled.length}`, '', smuggled]],
  ['a length with a sign', [`Content-Length: +${smuggled.length}`, '', smuggled]],
  ['a length that is no number', ['Content-Length: 0x10', '', smuggled]],
  ['an encoding that nobody knows', ['Transfer-Encoding: xchunked', '', `0\r\n\r\n${smuggled}`]],
  ['a space before the colon', ['Content-Length : 0', '', smuggled]],
  ['a folded line', ['X-A: 1', ' Transfer-Encoding: chunked', `Content-Length: ${smuggled.length}`, '', smuggled]],
  ['a bare line feed', [`X-A: 1\nContent-Length: ${smuggled.length}`, '', smuggled]],
  ['a chunk whose size is no number', ['Transfer-Encoding: chunked', '', `zz\r\n${smuggled}`]],
])('a request with %s is refused and the connection closed', async (_name, rest) => {
  const head = [
    `POST ${link.submit} HTTP/1.1`,
    `Host: ${server.baseUrl.host}`,
    `Origin: ${server.baseUrl.origin}`,
    `Cookie: ${cookie}`,
    'Content-Type: application/x-www-form-urlencoded',
  ]
  const { answers, closed } = await say(...head, ...rest)
  expect(answers.filter((answer) => !/ 4\d\d$/.test(answer))).toEqual([])
  // One answer at most: what was smuggled has not been taken for a request of its own.
  expect(answers.length).toBeLessThanOrEqual(1)
  expect(closed).toBe(true)
  expect(await server.stored('alice')).toBe('absent')
})

test('the form still works after all that', async () => {
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  expect((await alice.submit(link, GOOD_VALUES)).status).toBe(303)
})
