import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import {
  CallToolRequestSchema,
  ElicitationCompleteNotificationSchema,
  ElicitRequestSchema,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/sdk/types.js'
import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { credentialGate, type ToolExtra } from '../../../src/mcp/sdk-v1/index.ts'
import { openLocalVault } from '../../../src/vault/local/open-local-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { fillInLocally } from '../../harness/processes/stdio-example.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

test('-32042 reaches the client with its link, the saved form is reported, and a result with the secret is withheld', async () => {
  const vault = await openLocalVault({ backend: memoryBackend(), audit: memoryAudit(), warn: () => undefined })
  onTestFinished(() => vault.close())
  const variables = { pat: { label: 'Token', type: 'password' } } as const
  const tickets = new CredentialsProvider({ vault, name: 'tickets', variables })
  const server = new Server({ name: 'low', version: '1.0.0' }, { capabilities: { tools: {} } })
  const tell = credentialGate(server)(tickets, { failFast: true }, async (how: unknown, extra: ToolExtra) => {
    const pat = await tickets.getCredentials(extra).use(({ pat }) => pat)
    if (how === 'throw') throw new Error(`It did not work with ${pat}`)
    return { content: [{ type: 'text', text: how === 'tell' ? pat : `${pat.length} characters` }] }
  })
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => tell(params.arguments?.['how'], extra))

  const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities: { elicitation: { url: {} } } })
  client.setRequestHandler(ElicitRequestSchema, () => expect.fail('asked, although it was told to fail fast'))
  const completed: string[] = []
  client.setNotificationHandler(ElicitationCompleteNotificationSchema, ({ params }) => {
    completed.push(params.elicitationId)
  })
  const [one, other] = InMemoryTransport.createLinkedPair()
  await Promise.all([server.connect(one), client.connect(other)])
  onTestFinished(() => client.close())
  const call = (how: string) => client.callTool({ name: 'tell', arguments: { how } })

  const error: unknown = await call('count').catch((thrown: unknown) => thrown)
  if (!(error instanceof UrlElicitationRequiredError)) throw new Error('not -32042')
  const [asked] = error.elicitations
  await fillInLocally(asked?.url ?? '', SECRET)
  await expect.poll(() => completed).toEqual([asked?.elicitationId])
  expect(await call('count')).toMatchObject({ content: [{ text: `${SECRET.length} characters` }] })
  for (const how of ['tell', 'throw']) {
    const answer = await call(how)
    expect(answer).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('withheld') }] })
    expect(JSON.stringify(answer)).not.toContain(SECRET)
  }
})
