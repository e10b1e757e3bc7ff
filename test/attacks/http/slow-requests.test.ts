import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { freePort } from '../../harness/free-port.ts'
import { compiled } from '../../harness/processes/compile-module.ts'

let folder: string
let port: number
let server: ChildProcess

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slow-requests-'))
  port = await freePort()
  await writeFile(join(folder, 'vault.key'), generateKeyText(), { mode: 0o600 })
  await writeFile(join(folder, 'tools.mjs'), 'export default function defineTools() {}\n')
  const environment = {
    ...process.env,
    MCP_SERVER_BASE_URL: `http://localhost:${port}`,
    MCP_IDENTITY: 'local-user',
    MCP_VAULT_FOLDER: join(folder, 'data'),
    MCP_VAULT_KEY_FILE: join(folder, 'vault.key'),
  }
  const words = [
    compiled(join(import.meta.dirname, '../../../src/cli/main.ts')),
    'start',
    join(folder, 'tools.mjs'),
    '--port',
    String(port),
  ]
  server = spawn(process.execPath, words, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
  await once(server.stdout ?? server, 'data')
})
afterAll(async () => {
  server.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

const head = (path: string, more: string) => `POST ${path} HTTP/1.1\r\nHost: localhost:${port}\r\n${more}`
const handle = randomBytes(32).toString('base64url')

/** Sends `start`, then a byte every half second, and resolves once the server has had enough. */
async function drip(start: string): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  socket.write(start)
  const dripping = setInterval(() => socket.write('x'), 500)
  try {
    // A reset is an end too, which `once` of node:events rejects with.
    await new Promise((resolve) => socket.once('close', resolve))
  } finally {
    clearInterval(dripping)
    socket.destroy()
  }
}

test('whoever sends a head or a body a byte at a time is cut off, and keeps nobody else waiting', async () => {
  const form = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\npat='
  const json = 'Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{'
  const slow = [
    ...Array.from({ length: 40 }, () => drip(head(`/credentials/jira/submit?t=${handle}`, form))),
    ...Array.from({ length: 40 }, () => drip(head('/mcp', json))),
    ...Array.from({ length: 40 }, () => drip(head('/mcp', 'X-Slow: '))),
  ]
  const served = await fetch(`http://localhost:${port}/credentials/jira/entry?t=${handle}`)
  expect(served.status).toBeLessThan(500)
  // A body of 5000 bytes at this pace would take 40 minutes.
  await Promise.all(slow)
  expect((await fetch(`http://localhost:${port}/health`)).status).toBe(200)
})
