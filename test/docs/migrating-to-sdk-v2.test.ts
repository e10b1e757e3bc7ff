import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import * as v1Types from '@modelcontextprotocol/sdk/types.js'
import * as v2 from '@modelcontextprotocol/server'
import * as v2Stdio from '@modelcontextprotocol/server/stdio'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { mcpMount as mountV1 } from '../../src/mcp/sdk-v1/index.ts'
import { mcpMount } from '../../src/mcp/sdk-v2/index.ts'
import { startHarness } from '../harness/mcp-harness.ts'
import { connectClientV2, startHarnessV2 } from '../harness/sdk-v2.ts'

const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'docs/migrating-to-sdk-v2.md'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, found, text = '']) => (found === language ? [text] : []))

test('shows the files of examples/both-sdks as they are; test/examples/both-sdks.test.ts runs them', () => {
  const files = ['tools.ts', 'server-v2.ts'].map((file) => readFileSync(join(ROOT, 'examples/both-sdks', file), 'utf8'))
  expect(blocks('ts')).toEqual(files)
})

test('its command installs a package from which the servers of the page can be made', () => {
  const folder = mkdtempSync(join(tmpdir(), 'migrating-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  for (const command of blocks('sh')) execFileSync('sh', ['-ec', command], { cwd: folder, stdio: 'pipe' })
  const script = "import('@modelcontextprotocol/server').then(({ McpServer }) => console.log(typeof McpServer))"
  expect(execFileSync('node', ['-e', script], { cwd: folder, encoding: 'utf8' })).toBe('function\n')
  const listed = execFileSync('npm', ['ls', '@modelcontextprotocol/server'], { cwd: folder, encoding: 'utf8' })
  expect(listed.match(/@modelcontextprotocol\/server@2\./g)).toHaveLength(1)
}, 300_000)

/** What a path such as `mcpReq.id` leads to. */
const at = (value: unknown, path: string) =>
  path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value)

test('each name in its table is there in the object of its SDK, and means the same', async () => {
  const rows = [...page.matchAll(/^\| `extra\.(\S+)` \| `ctx\.(\S+)` \|$/gm)].map(([, old = '', now = '']) => [
    old,
    now,
  ])
  expect(rows.length).toBe(7)
  const seen: { extra?: object; ctx?: object } = {}
  const content = { content: [] }
  const first = await startHarness({
    tools: (server) => {
      server.registerTool('look', {}, (extra) => {
        seen.extra = extra
        return content
      })
    },
  })
  onTestFinished(() => first.close())
  const second = await startHarnessV2({
    tools: (server) => {
      server.registerTool('look', {}, (ctx) => {
        seen.ctx = ctx
        return content
      })
    },
  })
  onTestFinished(() => second.close())
  const _meta = { progressToken: 'token', mark: 'mine' }
  const old = await first.connect('alice')
  await old.client.callTool({ name: 'look', arguments: {}, _meta })
  const now = await second.connectV2('alice')
  await now.client.callTool({ name: 'look', arguments: {}, _meta })
  for (const [before = '', after = ''] of rows) {
    const kinds = [at(seen.extra, before), at(seen.ctx, after)].map((one) =>
      one instanceof AbortSignal ? 'signal' : typeof one,
    )
    expect(kinds[0], `extra.${before}`).not.toBe('undefined')
    expect(kinds[1], `ctx.${after}`).not.toBe('undefined')
    if (!['requestInfo', 'requestId'].includes(before)) expect(kinds[0], before).toBe(kinds[1])
  }
  expect(at(seen.ctx, 'mcpReq._meta.mark')).toBe('mine')
  expect(at(seen.extra, 'authInfo.extra.sub')).toBe('alice')
  expect(at(seen.ctx, 'http.authInfo.extra.sub')).toBe('alice')
})

test('what it names of the SDKs is there', () => {
  expect(typeof v2Stdio.serveStdio).toBe('function')
  expect(typeof v2.createMcpHandler).toBe('function')
  expect(typeof v2.inputRequired).toBe('function')
  expect(v1Types.CallToolRequestSchema).toBeDefined()
  const server = new v2.Server({ name: 'low', version: '1.0.0' }, { capabilities: { tools: {} } })
  server.setRequestHandler('tools/call', () => ({ content: [] }))
})

test('a raw shape still works in SDK 2.x, as a Zod object does in both', async () => {
  const harness = await startHarnessV2({
    tools(server) {
      server.registerTool('shape', { inputSchema: { title: z.string() } }, ({ title }) => ({
        content: [{ type: 'text', text: title }],
      }))
    },
  })
  onTestFinished(() => harness.close())
  const alice = await harness.connectV2('alice')
  expect((await alice.text('shape', { title: 'raw' })).text).toBe('raw')
})

test('both mounts stand beside each other in one application, and take the same tokens', async () => {
  const answer = (text: string) => () => ({ content: [{ type: 'text' as const, text }] })
  const harness = await startHarness({
    serve({ vault }) {
      const next = mcpMount(
        vault,
        (options) => {
          const server = new v2.McpServer({ name: 'next', version: '1.0.0' }, options)
          server.registerTool('open', {}, answer('SDK 2.x'))
          return server
        },
        { path: '/mcp/next' },
      )
      const now = mountV1(vault, (options) => {
        const server = new McpServerV1({ name: 'now', version: '1.0.0' }, options)
        server.registerTool('open', {}, answer('SDK 1.x'))
        return server
      })
      return (ctx, proceed) => next(ctx, async () => now(ctx, proceed))
    },
  })
  onTestFinished(() => harness.close())
  const old = await harness.connect('alice')
  expect((await old.text('open')).text).toBe('SDK 1.x')
  const token = await harness.identityProvider.issueAccessToken('alice')
  const modern = await connectClientV2(`${harness.baseUrl}/mcp/next`, token, {})
  onTestFinished(() => modern.client.close())
  expect((await modern.text('open')).text).toBe('SDK 2.x')
})
