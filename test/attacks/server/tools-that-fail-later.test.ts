import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Koa from 'koa'
import { expect, onTestFinished, test } from 'vitest'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { localUser } from '../../../src/identity/local-user.ts'
import { loadTools } from '../../../src/cli/operator/load-tools.ts'
import { mcpEndpoint } from '../../../src/server/mcp-endpoint.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

const TOKEN = 'ab'.repeat(32)
const SECRET = 'hunter2-database'
const MODERN = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' }, 'io.modelcontextprotocol/clientCapabilities': {} }

test.each([
  ['v1', 'sessionful', false],
  ['v1', 'stateless', false],
  ['v2', 'sessionful', false],
  ['v2', 'stateless', false],
  ['v2', 'stateless', true],
] as const)('a module whose tools fail later tells clients nothing of why (%s, %s, modern %s)', async (sdk, mode, modern) => {
  const file = join(await temporaryFolder(), 'tools.mjs')
  await writeFile(
    file,
    `export const sdk = '${sdk}'
    let calls = 0
    export default () => { calls += 1; if (calls > 1) throw new Error('connect postgres://mcp:${SECRET}@10.0.0.5') }`,
  )
  const vault = await openVault({ serverBaseUrl: 'http://localhost:8005', backend: memoryBackend(), audit: memoryAudit(), identity: localUser({ accessToken: TOKEN }), warn: () => undefined })
  onTestFinished(() => vault.close())
  const endpoint = await mcpEndpoint(await loadTools(file))
  const app = new Koa()
  app.silent = true
  vault.register(app)
  app.use(endpoint.mount(vault, mode))
  await endpoint.declareProviders(vault)
  const server = createServer(app.callback()).listen(0)
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const body = modern
    ? { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: MODERN } }
    : { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } } }
  const { request } = await import('node:http')
  const answer = await new Promise<string>((resolve, reject) => {
    const sent = request({ port, path: '/mcp', method: 'POST', headers: { host: 'localhost:8005', authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...(modern && { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' }) } }, (reply) => {
      let text = `${reply.statusCode} `
      reply.on('data', (piece) => { text += piece })
      reply.on('end', () => resolve(text))
    })
    sent.on('error', reject)
    sent.end(JSON.stringify(body))
  })
  expect(answer).toMatch(/^5/)
  expect(answer).not.toContain(SECRET)
  expect(answer).not.toContain(file)
})
