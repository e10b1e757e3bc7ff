import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/server'
import express from 'express'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mcpMount } from '../../../src/mcp/sdk-v2/index.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'

// A stranger without a token spells the path of the mount in other ways, or sends a target that is no path.

let harness: Harness
let port: number
const server = createServer()
beforeAll(async () => {
  harness = await startHarness()
  const mount = mcpMount(harness.vault, (options) => new McpServer({ name: 'test', version: '1.0.0' }, options))
  const app = express()
  app.use(mount.nodeHandler())
  app.use((_request, response) => void response.status(404).send('the application'))
  server.on('request', app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await harness.close()
})

/** Sends a request with this target as it stands, for the vault's host. */
function send(path: string, method = 'POST'): Promise<{ status: number | undefined; text: string }> {
  const headers = { host: new URL(harness.baseUrl).host, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const sent = request({ port, path, method, headers }, async (response) => {
      let text = ''
      for await (const part of response) text += String(part)
      resolve({ status: response.statusCode, text })
    })
    sent.once('error', reject).end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }))
  })
}

test.each(['/mcp', '/mcp?x=1', 'http://evil.example.com/mcp'])('%s needs a token', async (path) => {
  expect((await send(path)).status).toBe(401)
})

test.each(['/mcp/', '//mcp', '/MCP', '/mcp;x', '/%6dcp', '/x/../mcp', '/mcp%00', '/mcp/next', '/', '*'])(
  '%s is for the application, which the mount leaves as it was',
  async (path) => {
    expect(await send(path)).toEqual({ status: 404, text: 'the application' })
  },
)

test('another host is refused before the token is looked at', async () => {
  const answer = await fetch(`http://127.0.0.1:${port}/mcp`, { method: 'POST' })
  expect(answer.status).toBe(421)
})
