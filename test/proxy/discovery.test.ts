import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyHarness, TOKENS } from '../harness/proxy/proxy-harness.ts'

const READER = 'glpat-reader-1f2e3d4c5b'
const folder = mkdtempSync(join(tmpdir(), 'discovery-'))
const file = join(folder, 'reader')
const warnings: string[] = []
let proxy: ProxyHarness

beforeAll(async () => {
  writeFileSync(file, `${READER}\n`)
  proxy = await startProxyHarness({
    upstream: { register },
    warn: (message) => void warnings.push(message),
    config: { catalogue: 'discovery', discovery: { pat: { file } } },
  })
  // Its credential works at the service too.
  proxy.service.know(READER, 'reader')
})
afterAll(async () => {
  await proxy.close()
  rmSync(folder, { recursive: true })
})

function register(server: McpServer): void {
  server.registerTool('read_file', { description: 'Reads a file.' }, async () => ({ content: [] }))
  server.registerPrompt('greet', { description: 'Greets.' }, () => ({ messages: [] }))
}

const sentWith = (token: string) =>
  proxy.upstream.received.filter(({ headers }) => headers.authorization === `Bearer ${token}`)

test('before a user has connected, they see what the credential for discovery sees', async () => {
  const { client } = await proxy.connect('alice')
  expect(client.getServerVersion()).toMatchObject({ name: 'somebody-elses' })
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['who_am_i', 'read_file'])
  expect((await client.listPrompts()).prompts).toHaveLength(1)
  expect(sentWith(READER).length).toBeGreaterThan(0)
  expect(warnings).toEqual([])
})

test('it serves no call: a user is asked for their own, and everything they do has that', async () => {
  const alice = await proxy.connectAndFill('alice')
  let told = false
  alice.client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    told = true
  })
  await alice.client.listTools()
  expect(await alice.text('who_am_i')).toMatchObject({ text: 'You are alice' })
  await expect.poll(() => told).toBe(true)
  await alice.client.listTools()
  expect(proxy.service.done.map(({ who }) => who)).toEqual(['alice'])
  expect(sentWith(TOKENS.alice).some(({ body }) => body.includes('tools/list'))).toBe(true)
  const methods = sentWith(READER).map(({ method, body }) => (body === '' ? method : JSON.parse(body).method))
  expect([...new Set(methods)].sort()).toEqual([
    'DELETE',
    'initialize',
    'notifications/initialized',
    'prompts/list',
    'tools/list',
  ])
})

test('it is in no answer, warning or audit line', () => {
  expect(JSON.stringify([proxy.harness.audit.events, warnings])).not.toContain(READER)
})

test('a server that cannot be read is one warning, and its users see empty lists', async () => {
  const broken = await startProxyHarness({
    upstream: { intercept: (_, response) => Boolean(response.writeHead(503).end()) },
    warn: (message) => void warnings.push(message),
    config: { catalogue: 'discovery', discovery: { pat: { file } } },
  })
  const { client } = await broken.connect('alice')
  expect((await client.listTools()).tools).toEqual([])
  expect(warnings).toEqual([expect.stringContaining('cannot be read with the credential for discovery')])
  await broken.close()
})
