import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import type { Middleware } from 'koa'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { proxyConfigSchema } from '../../src/proxy/config/proxy-config.ts'
import type { UpstreamOptions } from '../../src/proxy/config/upstream-options.ts'
import { type OpenProxy, openProxy } from '../../src/server/proxy/open-proxy.ts'
import { connectClient, fillIn, type Harness, startHarness, type TestClient } from '../harness/mcp-harness.ts'
import { type StandInService, startStandInService } from '../harness/proxy/stand-in-service.ts'
import { startUpstreamServer, type UpstreamServer } from '../harness/proxy/upstream-server.ts'
import { thrownError } from '../harness/thrown-error.ts'

const TOKEN = 'glpat-alice-5f2b9c7d1e'
let service: StandInService
let first: UpstreamServer
let second: UpstreamServer
let harness: Harness
let proxy: OpenProxy
/** Lets the tool `slow` answer. */
let release: () => void
let arrived: Promise<void>
let arrive: () => void

beforeAll(async () => {
  service = await startStandInService()
  service.know(TOKEN, 'alice')
  const options = { serviceOrigin: service.origin }
  first = await startUpstreamServer({ ...options, register: (server) => register(server, 'first') })
  second = await startUpstreamServer({ ...options, register: (server) => register(server, 'second') })
  harness = await startHarness({
    serve({ vault }) {
      proxy = openProxy(vault, config(), () => undefined)
      return proxy.middleware as Middleware
    },
  })
})
beforeEach(() => {
  proxy.replace(config())
  let go: () => void = () => undefined
  gate = new Promise((resolve) => {
    go = resolve
  })
  release = () => go()
  arrived = new Promise((resolve) => {
    arrive = resolve
  })
})
afterAll(async () => {
  await harness.close()
  await first.close()
  await second.close()
  await service.close()
})
let gate: Promise<void>

function register(server: McpServer, name: string): void {
  server.registerTool('which', {}, async () => ({ content: [{ type: 'text', text: name }] }))
  server.registerTool('slow', {}, async () => {
    arrive()
    await gate
    return { content: [{ type: 'text', text: `slow ${name}` }] }
  })
}

function config(change: Partial<UpstreamOptions> = {}, name = 'gitlab') {
  const entry: UpstreamOptions = {
    url: first.url,
    label: 'GitLab',
    catalogue: 'user',
    credential: { variables: { pat: { label: 'Token', type: 'password' } } },
    headers: { Authorization: 'Bearer {pat}' },
    ...change,
  }
  return proxyConfigSchema.parse({ upstreams: { [name]: entry } })
}

async function textOf({ text }: TestClient, tool: string): Promise<string> {
  return (await text(tool)).text
}

async function connect(name = 'gitlab'): Promise<TestClient> {
  const token = await harness.identityProvider.issueAccessToken('alice')
  return connectClient(`${harness.baseUrl}/${name}/mcp`, token, {
    onLink: async (link) => {
      await fillIn(link, 'alice', { pat: TOKEN })
      return 'accept' as const
    },
  })
}

test('a call that runs ends at the server with which it began, and the session goes on at the new one', async () => {
  const alice = await connect()
  expect(await textOf(alice, 'which')).toBe('first')
  const slow = textOf(alice, 'slow')
  await arrived
  expect(proxy.replace(config({ url: second.url }))).toEqual(['gitlab'])
  expect(await textOf(alice, 'which')).toBe('second')
  expect(first.sessions()).toHaveLength(1)
  release()
  expect(await slow).toBe('slow first')
  // Nothing stays open at the server that is not used any more.
  await expect.poll(() => first.sessions()).toEqual([])
  await alice.client.close()
})

test('a standing stream moves on, and the client is told that its lists may be others', async () => {
  const alice = await connect()
  await textOf(alice, 'which')
  await expect.poll(() => first.openStreams()).toBe(1)
  let told = 0
  alice.client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    told += 1
  })
  proxy.replace(config({ url: second.url }))
  await expect.poll(() => told).toBeGreaterThan(0)
  await textOf(alice, 'which')
  await expect.poll(() => [first.openStreams(), second.openStreams()]).toEqual([0, 1])
  await alice.client.close()
})

test('a stream that waits for its first session at the server waits for the new one', async () => {
  const alice = await connect()
  const streams = second.openStreams()
  proxy.replace(config({ url: second.url }))
  await textOf(alice, 'which')
  await expect.poll(() => second.openStreams()).toBe(streams + 1)
  await alice.client.close()
})

test('a tool that is denied now is refused in a session that knew it, and its server keeps the session', async () => {
  const alice = await connect()
  await textOf(alice, 'which')
  const sessions = first.sessions()
  proxy.replace(config({ tools: { deny: ['which'] } }))
  await expect(alice.call('which')).rejects.toThrow('There is no such tool here')
  const { tools } = await alice.client.listTools()
  expect(tools.map(({ name }) => name)).toEqual(['who_am_i', 'slow'])
  expect(first.sessions()).toEqual(sessions)
  await alice.client.close()
})

test('another form, another label, another header: the next call uses them', async () => {
  const alice = await connect()
  await textOf(alice, 'who_am_i')
  proxy.replace(config({ label: 'Our GitLab', headers: { Authorization: 'Bearer {pat}', 'X-Tenant': 'acme' } }))
  expect(await textOf(alice, 'who_am_i')).toBe('You are alice')
  expect(first.received.at(-1)?.headers['x-tenant']).toBe('acme')
  await alice.client.close()
})

test('an upstream that is gone is not served, and may come back', async () => {
  const alice = await connect()
  await textOf(alice, 'which')
  expect([...proxy.replace(config({}, 'other'))].sort()).toEqual(['gitlab', 'other'])
  await expect(alice.call('which')).rejects.toThrow('Not Found')
  await expect.poll(() => first.sessions()).toEqual([])
  proxy.replace(config())
  const again = await connect()
  expect(await textOf(again, 'which')).toBe('first')
  await again.client.close()
  await alice.client.close()
})

test('what is unchanged stays as it is', async () => {
  const alice = await connect()
  await textOf(alice, 'which')
  const sessions = first.sessions()
  expect(proxy.replace(config())).toEqual([])
  expect(await textOf(alice, 'which')).toBe('first')
  expect(first.sessions()).toEqual(sessions)
  await alice.client.close()
})

test('a configuration that cannot be served changes nothing', async () => {
  const alice = await connect()
  const two = { ...config(), upstreams: { ...config({ url: second.url }).upstreams, ...wrong() } }
  expect(thrownError(() => proxy.replace(two)).message).toContain('there is no snapshot')
  const named = config({ url: second.url }).upstreams
  const [entry] = Object.values(
    config({ credential: { provider: 'gitlab', variables: { other: { label: 'O' } } }, headers: { A: '{other}' } })
      .upstreams,
  )
  const clash = { ...config(), upstreams: { ...named, ...(entry && { twin: entry }) } }
  expect(thrownError(() => proxy.replace(clash)).message).toContain('already has a provider named gitlab')
  expect(await textOf(alice, 'which')).toBe('first')
  await alice.client.close()
})

function wrong() {
  return config({ catalogue: 'snapshot', snapshot: '/nowhere/x.json' }, 'wrong').upstreams
}
