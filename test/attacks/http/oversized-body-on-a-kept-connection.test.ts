import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'

// A proxy keeps its connections and gives the next one to whoever asks next. After an answer of 413 that says `keep-alive`, the server
// has to take what is left of the body off the connection, or close it: else the next person's request is never looked at.
let harness: Harness
let port: number

beforeAll(async () => {
  harness = await startHarness({ mount: { maxBodyBytes: 2048 } })
  port = Number(new URL(harness.baseUrl).port)
})
afterAll(() => harness.close())

function headOf(path: string, headers: readonly string[]): string {
  return `POST ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nTransfer-Encoding: chunked\r\n${headers.join('\r\n')}\r\n\r\n`
}

/** Sends a body in 60 parts of 4 kB, all of it, and then a request for the metadata on the same connection. */
function sendTwoRequests(head: string): Promise<{ readonly statuses: readonly number[]; readonly closed: boolean }> {
  return new Promise((resolve) => {
    let received = ''
    const statuses = () => [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
    const socket = connect(port, '127.0.0.1')
    const patience = setTimeout(() => {
      socket.destroy()
      resolve({ statuses: statuses(), closed: false })
    }, 30_000)
    const done = (closed: boolean) => {
      clearTimeout(patience)
      socket.destroy()
      resolve({ statuses: statuses(), closed })
    }
    socket.on('error', () => undefined)
    socket.on('close', () => done(true))
    socket.on('data', (data) => {
      const before = statuses().length
      received += data
      if (statuses().length === 2) done(false)
      else if (before === 0) {
        socket.write(`GET /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)
      }
    })
    socket.write(head)
    for (let part = 0; part < 60; part += 1) socket.write(`1000\r\n${'x'.repeat(4096)}\r\n`)
    socket.write('0\r\n\r\n')
  })
}

test('after too large a message to the MCP endpoint, the connection serves the next request or is closed', async () => {
  const token = await harness.identityProvider.issueAccessToken('mallory')
  const head = headOf('/mcp', [`Authorization: Bearer ${token}`, 'Content-Type: application/json'])
  const { statuses, closed } = await sendTwoRequests(head)
  expect(statuses[0]).toBe(413)
  expect(closed || statuses[1] === 200).toBe(true)
})

test('after too large a form of somebody who is not signed in, too', async () => {
  const head = headOf('/credentials/login', [
    `Origin: ${harness.baseUrl}`,
    'Content-Type: application/x-www-form-urlencoded',
  ])
  const { statuses, closed } = await sendTwoRequests(head)
  expect(statuses[0]).toBe(413)
  expect(closed || statuses[1] === 200).toBe(true)
})
