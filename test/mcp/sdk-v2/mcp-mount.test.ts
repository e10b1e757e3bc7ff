import { UrlElicitationRequiredError } from '@modelcontextprotocol/client'
import { requireScopes } from '@modelcontextprotocol/server'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { mcpMount, type ToolExtra } from '../../../src/mcp/sdk-v2/index.ts'
import { fillIn } from '../../harness/mcp-harness.ts'
import { type HarnessV2, KEY, rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

let harness: HarnessV2
let stateless: HarnessV2
const aborted: string[] = []
const url = () => `${harness.baseUrl}/mcp`
const tokenOf = (user: string) => harness.identityProvider.issueAccessToken(user)

beforeAll(async () => {
  const tools: NonNullable<Parameters<typeof startHarnessV2>[0]>['tools'] = (server, gate, { jira }) => {
    server.registerTool(
      'scoped_and_gated',
      { scopeChallenge: requireScopes('jira:write') },
      gate(jira, async () => ({ content: [] })),
    )
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
    server.registerTool('scoped', { scopeChallenge: requireScopes('jira:write', 'jira:admin') }, async () => ({
      content: [],
    }))
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

test.each(['modern', 'legacy'] as const)(
  'a tool that needs another scope is answered with 403 and the challenge (%s client)',
  async (era) => {
    const challenges: (string | null)[] = []
    const alice = await harness.connectV2('alice', {
      era,
      fetch: async (input, init) => {
        const response = await fetch(input, init)
        if (response.status === 403) challenges.push(response.headers.get('www-authenticate'))
        return response
      },
    })
    expect(await alice.text('open')).toEqual({ text: 'open to all', isError: false })
    await expect(alice.text('scoped')).rejects.toThrow()
    const parts = challenges.map((challenge) => ({
      scheme: challenge?.split(' ')[0],
      ...Object.fromEntries(
        [...(challenge ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
      ),
    }))
    expect(parts).toEqual([
      expect.objectContaining({
        scheme: 'Bearer',
        error: 'insufficient_scope',
        scope: 'jira:write jira:admin',
        resource_metadata: `${harness.baseUrl}/.well-known/oauth-protected-resource/mcp`,
      }),
    ])
    const before = harness.audit.events.length
    expect((await rawLeg(url(), alice.token, { tool: 'scoped_and_gated' })).status).toBe(403)
    expect(harness.audit.events.slice(before).map(({ type }) => type)).not.toContain('credential.requested')
    expect((await fetch(parts[0]?.['resource_metadata' as never] ?? '')).status).toBe(200)
    const token = await harness.identityProvider.issueAccessToken('alice', { scope: 'mcp jira:write jira:admin' })
    expect((await rawLeg(url(), token, { tool: 'scoped' })).result?.content).toEqual([])
  },
)

test.each([{}, { publish: () => undefined }, 'bus', null])(
  'a bus that is none (%j) is refused, with the name of the option',
  (bus) => {
    const mount = () => mcpMount(harness.vault, () => expect.fail('made'), { bus: bus as never })
    expect(mount).toThrow(/mcpMount\.bus: must have the functions publish and subscribe/)
  },
)

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
