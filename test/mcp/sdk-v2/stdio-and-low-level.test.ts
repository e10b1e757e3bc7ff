import { Client } from '@modelcontextprotocol/client'
import {
  InMemoryTransport,
  type JSONRPCMessage,
  McpServer,
  Server,
  serializeMessage,
} from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { credentialGate, type ToolExtra } from '../../../src/mcp/sdk-v2/index.ts'
import { openLocalVault } from '../../../src/vault/local/open-local-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { fillInLocally } from '../../harness/processes/stdio-example.ts'
import { MODERN } from '../../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

/** One request by hand, as a client of MCP 2026-07-28 sends it. */
const request = (id: number, method: string, params: object = {}): JSONRPCMessage => ({
  ...{ jsonrpc: '2.0', id, method },
  params: {
    ...params,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': MODERN,
      'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } },
    },
  },
})

test('on stdio, a server of MCP 2026-07-28 sends no requests of its own, and nothing more for a cancelled call', async () => {
  const vault = await openLocalVault({ backend: memoryBackend(), audit: memoryAudit(), warn: () => undefined })
  onTestFinished(() => vault.close())
  const variables = { pat: { label: 'Token', type: 'password' } } as const
  const tickets = new CredentialsProvider({ vault, name: 'tickets', variables })
  const [near, far] = InMemoryTransport.createLinkedPair()
  const makeServer = () => {
    const server = new McpServer({ name: 'test', version: '1.0.0' })
    const tell = async (ctx: ToolExtra) => {
      const length = await tickets.getCredentials(ctx).use(({ pat }) => pat.length)
      return { content: [{ type: 'text' as const, text: `${length} characters` }] }
    }
    server.registerTool('tell', {}, credentialGate(server)(tickets, tell))
    return server
  }
  const served = serveStdio(makeServer, { transport: near })
  onTestFinished(() => served.close())
  const sent: Partial<Record<string, unknown>>[] = []
  far.onmessage = (message) => void sent.push({ ...message })
  await far.start()
  const answerTo = async (id: number) => {
    await expect.poll(() => sent.find((message) => message['id'] === id)).toBeDefined()
    return sent.find((message) => message['id'] === id)?.['result'] as {
      readonly inputRequests: Readonly<Record<string, { readonly params: { readonly url: string } }>>
      readonly requestState: string
    }
  }

  await far.send(request(1, 'tools/call', { name: 'tell', arguments: {} }))
  const { inputRequests, requestState } = await answerTo(1)
  const [[key = '', question] = []] = Object.entries(inputRequests)
  const inputResponses = { [key]: { action: 'accept' } }
  // The gate holds this leg, since the form is still open.
  await far.send(request(2, 'tools/call', { name: 'tell', arguments: {}, requestState, inputResponses }))
  await far.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } })
  await fillInLocally(question?.params.url ?? '', SECRET)
  await far.send(request(3, 'tools/call', { name: 'tell', arguments: {} }))
  expect(await answerTo(3)).toMatchObject({ content: [{ text: `${SECRET.length} characters` }] })
  expect(sent.map(({ id, method }) => [id, method])).toEqual([
    [1, undefined],
    [3, undefined],
  ])
  // Each is one line on the stream.
  for (const message of sent) expect(serializeMessage(message as JSONRPCMessage).trimEnd()).not.toContain('\n')
})

test.each([
  ['modern', { pin: MODERN }],
  ['legacy', 'legacy' as const],
])(
  'a low-level Server behind serveStdio asks a %s client, has its result, and withholds one with the secret',
  async (_, mode) => {
    const vault = await openLocalVault({ backend: memoryBackend(), audit: memoryAudit(), warn: () => undefined })
    onTestFinished(() => vault.close())
    const variables = { pat: { label: 'Token', type: 'password' } } as const
    const tickets = new CredentialsProvider({ vault, name: 'tickets', variables })
    const makeServer = () => {
      const server = new Server({ name: 'low', version: '1.0.0' }, { capabilities: { tools: {} } })
      const tell = credentialGate(server)(tickets, { tool: 'tell' }, async (how: unknown, extra: ToolExtra) => {
        const pat = await tickets.getCredentials(extra).use(({ pat }) => pat)
        return { content: [{ type: 'text', text: how === 'tell' ? pat : `${pat.length} characters` }] }
      })
      server.setRequestHandler('tools/list', () => ({
        tools: [{ name: 'tell', inputSchema: { type: 'object' as const } }],
      }))
      server.setRequestHandler('tools/call', ({ params }, ctx) => tell(params.arguments?.['how'], ctx))
      return server
    }
    const [one, other] = InMemoryTransport.createLinkedPair()
    const served = serveStdio(makeServer, { transport: one })
    onTestFinished(() => served.close())
    const client = new Client(
      { name: 'test', version: '1.0.0' },
      { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode } },
    )
    const links: string[] = []
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      if (params.mode !== 'url') throw new Error('asked in form mode')
      links.push(params.url)
      await fillInLocally(params.url, SECRET)
      return { action: 'accept' }
    })
    await client.connect(other)
    onTestFinished(() => client.close())
    const call = (how: string) => client.callTool({ name: 'tell', arguments: { how } })

    expect(await call('count')).toMatchObject({ content: [{ text: `${SECRET.length} characters` }] })
    expect(links).toHaveLength(1)
    const answer = await call('tell')
    expect(answer).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('withheld') }] })
    expect(JSON.stringify(answer)).not.toContain(SECRET)
  },
)
