import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { McpMountOptions } from '../../../src/mcp/sdk-v1/index.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'
import { openRawSession } from '../calls/raw-mcp-session.ts'

const PATIENT = { timeout: 100_000 }
let harness: Harness
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await harness.close()
})

async function start(mount: McpMountOptions): Promise<{ headers: string; open(): Socket }> {
  harness = await startHarness({
    mount,
    tools: (server) =>
      void server.registerTool('large', {}, async () => ({ content: [{ type: 'text', text: 'x'.repeat(4_000_000) }] })),
  })
  const token = await harness.identityProvider.issueAccessToken('alice')
  const { sessionId } = await openRawSession(harness.baseUrl, token)
  const url = new URL(harness.baseUrl)
  const lines = [
    `Host: ${url.host}`,
    `Authorization: Bearer ${token}`,
    'Accept: application/json, text/event-stream',
    'Mcp-Protocol-Version: 2025-11-25',
    `Mcp-Session-Id: ${sessionId}`,
    'Content-Type: application/json',
  ]
  const open = () => {
    const socket = connect(Number(url.port), 'localhost')
    socket.on('error', () => undefined)
    sockets.push(socket)
    return socket
  }
  return { headers: lines.join('\r\n'), open }
}

test('row i: answers that wait behind an idle stream of the same connection are cut off with it', async () => {
  const { headers, open } = await start({ maxUnreadBytesPerOwner: 65_536, writeTimeoutSeconds: 1 })
  const calls = Array.from({ length: 10 }, (_, id) => {
    const params = { name: 'large', arguments: {} }
    const body = JSON.stringify({ jsonrpc: '2.0', id: id + 1, method: 'tools/call', params })
    return `POST /mcp HTTP/1.1\r\n${headers}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  })
  const socket = open()
  // It reads, and gets nothing: the answers wait for the stream before them.
  socket.resume()
  const ended = new Promise((resolve) => socket.once('close', resolve))
  socket.write(`GET /mcp HTTP/1.1\r\n${headers}\r\n\r\n${calls.join('')}`)
  await ended
  await expect.poll(() => harness.openResponses(), PATIENT).toBe(0)
})

test('row i: request bodies that are begun and never ended are cut off', async () => {
  const { headers, open } = await start({ maxUnreadBytesPerOwner: 8_000_000, writeTimeoutSeconds: 1 })
  const endings = Array.from({ length: 8 }, () => {
    const socket = open()
    socket.write(`POST /mcp HTTP/1.1\r\n${headers}\r\nContent-Length: 4194304\r\n\r\n`)
    socket.write(Buffer.alloc(4_000_000, ' '))
    return new Promise((resolve) => socket.once('close', resolve))
  })
  await Promise.all(endings)
  await expect.poll(() => harness.openResponses(), PATIENT).toBe(0)
})
