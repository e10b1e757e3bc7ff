import { Client } from '@modelcontextprotocol/client'
import { InMemoryTransport, Server } from '@modelcontextprotocol/server'
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
