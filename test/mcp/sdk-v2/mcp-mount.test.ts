import { UrlElicitationRequiredError } from '@modelcontextprotocol/client'
import { requireScopes } from '@modelcontextprotocol/server'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ToolExtra } from '../../../src/mcp/sdk-v2/index.ts'
import { fillIn } from '../../harness/mcp-harness.ts'
import { type HarnessV2, KEY, MODERN, rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

let harness: HarnessV2
let stateless: HarnessV2
const aborted: string[] = []
const url = () => `${harness.baseUrl}/mcp`
const tokenOf = (user: string) => harness.identityProvider.issueAccessToken(user)

beforeAll(async () => {
  const tools: NonNullable<Parameters<typeof startHarnessV2>[0]>['tools'] = (server) => {
    server.registerTool('hang', {}, async (ctx: ToolExtra) => {
      running += 1
      await new Promise((resolve) => ctx.mcpReq.signal.addEventListener('abort', resolve))
      aborted.push(ctx.mcpReq.method)
      return { content: [] }
    })
    server.registerTool('progress', {}, async (ctx: ToolExtra) => {
      await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken: 'one', progress: 1 } })
      return { content: [{ type: 'text', text: 'done' }] }
    })
    server.registerTool('scoped', { scopeChallenge: requireScopes('jira:write') }, async () => ({ content: [] }))
  }
  harness = await startHarnessV2({ tools })
  stateless = await startHarnessV2({ mount: { legacy: 'stateless' } })
})
afterEach(() => harness.forget('alice'))
afterAll(async () => {
  await harness.close()
  await stateless.close()
})

let running = 0

test('a client of MCP 2026-07-28 that disconnects cancels its call', async () => {
  const gone = new AbortController()
  const call = rawLeg(url(), await tokenOf('alice'), { tool: 'hang', signal: gone.signal }).catch(() => 'gone')
  await expect.poll(() => running).toBe(1)
  gone.abort()
  expect(await call).toBe('gone')
  await expect.poll(() => aborted).toEqual(['tools/call'])
})

test('the answer is plain JSON, and an event stream once the tool sends progress', async () => {
  const types: (string | null)[] = []
  const alice = await harness.connectV2('alice', {
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      types.push(response.headers.get('content-type'))
      return response
    },
  })
  await alice.text('open')
  await alice.text('progress', {}, { onprogress: () => undefined })
  expect(types.slice(-2)).toEqual([
    expect.stringContaining('application/json'),
    expect.stringContaining('text/event-stream'),
  ])
})

test('a tool that needs another scope is answered with 403 and the challenge', async () => {
  const alice = await harness.connectV2('alice')
  const { status } = await rawLeg(url(), alice.token, { tool: 'scoped' })
  expect(status).toBe(403)
})

test('a body of another type is refused', async () => {
  const headers = { authorization: `Bearer ${await tokenOf('alice')}`, 'content-type': 'text/plain' }
  expect((await fetch(url(), { method: 'POST', headers, body: '{}' })).status).toBe(415)
})

test('a stateless mount gives a client of MCP 2025-11-25 the link with -32042, and asks one of 2026-07-28', async () => {
  const links: string[] = []
  const onLink = (link: string) => {
    links.push(link)
    return 'decline' as const
  }
  const old = await stateless.connectV2('alice', { era: 'legacy', onLink })
  const error: unknown = await old.text().catch((thrown: unknown) => thrown)
  if (!(error instanceof UrlElicitationRequiredError)) throw new Error(`not -32042: ${String(error)}`)
  expect(error.elicitations[0]?.url).toContain('/credentials/jira/entry')
  expect(links).toEqual([])
  const modern = await stateless.connectV2('alice', { onLink })
  expect((await modern.text()).text).toContain('declined')
  expect(links).toHaveLength(1)
})

test('a session of MCP 2025-11-25 stays one, whatever reserved _meta a call carries', async () => {
  const alice = await harness.connectV2('alice', { era: 'legacy', onLink: () => 'decline' })
  const _meta = { 'io.modelcontextprotocol/clientCapabilities': {} }
  const { content } = await alice.client.callTool({ name: 'read_secret', arguments: {}, _meta })
  expect(alice.links).toHaveLength(1)
  expect(JSON.stringify(content)).toContain('declined')
})

test('the list of tools is the same, byte for byte, before and after the credential is there', async () => {
  const list = async (era: 'modern' | 'legacy') => {
    const { client } = await harness.connectV2('alice', { era })
    return JSON.stringify(await client.listTools())
  }
  const before = [await list('modern'), await list('legacy')]
  const { result } = await rawLeg(url(), await tokenOf('alice'))
  await fillIn(result?.inputRequests?.[KEY]?.params.url ?? '', 'alice', { pat: SECRET })
  expect([await list('modern'), await list('legacy')]).toEqual(before)
})

test('an event stream of subscriptions does not keep the vault from closing', async () => {
  const own = await startHarnessV2()
  const token = await own.identityProvider.issueAccessToken('alice')
  const response = await fetch(`${own.baseUrl}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': MODERN,
      'mcp-method': 'subscriptions/listen',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'subscriptions/listen',
      params: {
        notifications: { toolsListChanged: true },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': MODERN,
          'io.modelcontextprotocol/clientInfo': { name: 'Raw Client', version: '1.0.0' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  })
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const ended = response.text().catch(() => 'cut off')
  await own.vault.close()
  await ended
  await own.close()
})
