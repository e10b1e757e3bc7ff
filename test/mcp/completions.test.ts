import { Client } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport as InMemoryV1 } from '@modelcontextprotocol/sdk/inMemory.js'
import { completable as completableV1 } from '@modelcontextprotocol/sdk/server/completable.js'
import { Server as ServerV1 } from '@modelcontextprotocol/sdk/server/index.js'
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { CompleteRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { completable, InMemoryTransport, McpServer, Server } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { type CallExtra, CredentialsProvider, openLocalVault } from '../../src/index.ts'
import { credentialGate as gateV1 } from '../../src/mcp/sdk-v1/index.ts'
import { credentialGate } from '../../src/mcp/sdk-v2/index.ts'
import { fillInLocally, localLinkIn } from '../harness/processes/stdio-example.ts'
import { MODERN } from '../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const info = { name: 'test', version: '1.0.0' }

async function openTickets() {
  const vault = await openLocalVault({ backend: memoryBackend(), audit: memoryAudit(), warn: () => undefined })
  onTestFinished(() => vault.close())
  const variables = { pat: { label: 'Token', type: 'password' } } as const
  return new CredentialsProvider({ vault, name: 'tickets', variables })
}
type Tickets = Awaited<ReturnType<typeof openTickets>>

let seen: unknown[] = []
beforeEach(() => {
  seen = []
})
/** Completes with the length of the secret, and keeps the context that it was given. */
const lengths =
  (tickets: Tickets) =>
  async (value: string, context: unknown, extra: CallExtra): Promise<string[]> => {
    seen.push(context)
    return [value, await tickets.getCredentials(extra).use(async ({ pat }) => `${pat.length}`)]
  }

const params = { ref: { type: 'ref/prompt', name: 'note' }, argument: { name: 'key', value: 'a' } } as const
const context = { arguments: { other: 'x' } }

interface Side {
  /** Serves a completer behind the gate, and a tool that gives the link. */
  readonly low: (tickets: Tickets) => Promise<ClientV1 | Client>
  readonly high: (tickets: Tickets) => Promise<ClientV1 | Client>
  readonly late: (tickets: Tickets) => unknown
  readonly ungated: (tickets: Tickets) => Promise<ClientV1 | Client>
}

async function connectV1(server: { connect: ServerV1['connect'] }): Promise<ClientV1> {
  const [one, other] = InMemoryV1.createLinkedPair()
  const client = new ClientV1(info)
  await Promise.all([server.connect(one), client.connect(other)])
  onTestFinished(() => client.close())
  return client
}

async function connectV2(makeServer: () => McpServer | Server): Promise<Client> {
  const [one, other] = InMemoryTransport.createLinkedPair()
  const served = serveStdio(makeServer, { transport: one })
  const client = new Client(info, { versionNegotiation: { mode: { pin: MODERN } } })
  await client.connect(other)
  onTestFinished(async () => {
    await client.close()
    await served.close()
  })
  return client
}

const done = { messages: [] }

const SIDES: Readonly<Record<string, Side>> = {
  'SDK 1.x': {
    low(tickets) {
      const server = new ServerV1(info, { capabilities: { completions: {}, prompts: {} } })
      const complete = gateV1(server).completion(tickets, lengths(tickets))
      server.setRequestHandler(CompleteRequestSchema, async ({ params: { argument, context } }, extra) => ({
        completion: { values: await complete(argument.value, context, extra) },
      }))
      return connectV1(server)
    },
    high(tickets) {
      const server = new McpServerV1(info)
      gateV1(server)
      const complete = gateV1(server).completion(tickets, lengths(tickets))
      server.registerPrompt('note', { argsSchema: { key: completableV1(z.string(), complete) } }, () => done)
      return connectV1(server)
    },
    late(tickets) {
      const server = new McpServerV1(info)
      server.registerPrompt('other', { argsSchema: { key: completableV1(z.string(), () => []) } }, () => done)
      return gateV1(server).completion(tickets, lengths(tickets))
    },
    ungated(tickets) {
      const server = new McpServerV1(info)
      gateV1(server)
      const completer = (value: string, context?: object) => lengths(tickets)(value, context, context as CallExtra)
      server.registerPrompt('note', { argsSchema: { key: completableV1(z.string(), completer) } }, () => done)
      return connectV1(server)
    },
  },
  'SDK 2.x': {
    low: (tickets) =>
      connectV2(() => {
        const server = new Server(info, { capabilities: { completions: {}, prompts: {} } })
        const complete = credentialGate(server).completion(tickets, lengths(tickets))
        server.setRequestHandler('completion/complete', async ({ params: { argument, context } }, ctx) => ({
          completion: { values: await complete(argument.value, context, ctx) },
        }))
        return server
      }),
    high: (tickets) =>
      connectV2(() => {
        const server = new McpServer(info)
        credentialGate(server)
        const complete = credentialGate(server).completion(tickets, lengths(tickets))
        const argsSchema = z.object({ key: completable(z.string(), complete) })
        server.registerPrompt('note', { argsSchema }, () => done)
        return server
      }),
    late(tickets) {
      const server = new McpServer(info)
      const argsSchema = z.object({ key: completable(z.string(), () => []) })
      server.registerPrompt('other', { argsSchema }, () => done)
      return credentialGate(server).completion(tickets, lengths(tickets))
    },
    ungated: (tickets) =>
      connectV2(() => {
        const server = new McpServer(info)
        credentialGate(server)
        const completer = (value: string, context?: object) => lengths(tickets)(value, context, context as CallExtra)
        const argsSchema = z.object({ key: completable(z.string(), completer) })
        server.registerPrompt('note', { argsSchema }, () => done)
        return server
      }),
  },
}

/** Saves the credential of this machine's user, whose link a tool gives. */
async function save(tickets: Tickets): Promise<void> {
  const server = new McpServerV1(info)
  server.registerTool(
    'note',
    {},
    gateV1(server)(tickets, () => ({ content: [] })),
  )
  const client = await connectV1(server)
  await fillInLocally(localLinkIn(JSON.stringify(await client.callTool({ name: 'note' }))), SECRET)
}

describe.each(Object.entries(SIDES))('%s', (_, { low, high, late, ungated }) => {
  test.each([
    ['an McpServer', high],
    ['a low-level Server', low],
  ])('%s completes to nothing, then with the credential; the completer sees the context as sent', async (_, serve) => {
    const tickets = await openTickets()
    const client = await serve(tickets)
    expect((await client.complete(params)).completion.values).toEqual([])
    expect(seen).toEqual([])
    await save(tickets)
    expect((await client.complete(params)).completion.values).toEqual(['a', `${SECRET.length}`])
    await client.complete({ ...params, context })
    expect(seen).toStrictEqual([undefined, context])
    expect(Object.getOwnPropertySymbols(seen[1])).toEqual([])
  })

  test('a gate that comes after a completer says so at start', async () => {
    const tickets = await openTickets()
    expect(() => late(tickets)).toThrow(
      expect.objectContaining({ code: 'configuration_invalid', reason: 'completion_extra' }),
    )
  })

  test("a completer that was not given to the gate has no credential, also of its request's own user", async () => {
    const tickets = await openTickets()
    await save(tickets)
    const client = await ungated(tickets)
    await expect(client.complete({ ...params, context })).rejects.toThrow('extra is not from a gated call')
  })
})
