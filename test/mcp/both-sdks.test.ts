import { Client } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport as InMemoryV1 } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { InMemoryTransport, McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { type CallExtra, CredentialsProvider, openLocalVault } from '../../src/index.ts'
import { credentialGate as gateV1 } from '../../src/mcp/sdk-v1/index.ts'
import { credentialGate } from '../../src/mcp/sdk-v2/index.ts'
import { fillInLocally, localLinkIn } from '../harness/processes/stdio-example.ts'
import { MODERN } from '../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

test('one handler runs behind the gates of both SDKs, and one save serves both', async () => {
  const vault = await openLocalVault({ backend: memoryBackend(), audit: memoryAudit(), warn: () => undefined })
  onTestFinished(() => vault.close())
  const variables = { pat: { label: 'Token', type: 'password' } } as const
  const tickets = new CredentialsProvider({ vault, name: 'tickets', variables })
  const inputSchema = z.object({ times: z.number() })
  const tell = async ({ times }: { times: number }, extra: CallExtra) => {
    const length = await tickets.getCredentials(extra).use(({ pat }) => pat.length)
    return { content: [{ type: 'text' as const, text: String(length * times) }] }
  }

  const first = new McpServerV1({ name: 'first', version: '1.0.0' })
  first.registerTool(
    'tell',
    { inputSchema: inputSchema.shape },
    gateV1(first)(tickets, (args, extra) => tell(args, extra)),
  )
  const makeSecond = () => {
    const second = new McpServer({ name: 'second', version: '1.0.0' })
    second.registerTool(
      'tell',
      { inputSchema },
      credentialGate(second)(tickets, (args, extra) => tell(args, extra)),
    )
    return second
  }
  const [one, other] = InMemoryV1.createLinkedPair()
  const old = new ClientV1({ name: 'old', version: '1.0.0' })
  await Promise.all([first.connect(one), old.connect(other)])
  const [near, far] = InMemoryTransport.createLinkedPair()
  const served = serveStdio(makeSecond, { transport: near })
  const modern = new Client({ name: 'modern', version: '1.0.0' }, { versionNegotiation: { mode: { pin: MODERN } } })
  await modern.connect(far)
  onTestFinished(async () => {
    await Promise.all([old.close(), modern.close()])
    await served.close()
  })

  const call = { name: 'tell', arguments: { times: 2 } }
  const asked = JSON.stringify([await old.callTool(call), await modern.callTool(call)])
  await fillInLocally(localLinkIn(asked), SECRET)
  const answer = { content: [{ type: 'text', text: String(SECRET.length * 2) }] }
  expect(await old.callTool(call)).toMatchObject(answer)
  expect(await modern.callTool(call)).toMatchObject(answer)
})
