import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import {
  CallToolResultSchema,
  type ElicitResult,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { connectMcpClient } from '../../examples/tickets/mcp-client.ts'
import { expectOnPage } from './clients-page.ts'
import { linkIn, type TicketsWalk, ticketsWalk } from './tickets-walk.ts'

const CALL = { name: 'create_ticket', arguments: { title: 'Printer is on fire' } }
const created = (n: number) => ({
  text: `TICKET-${n} "Printer is on fire" was created by alice.`,
  isError: false,
})
let tickets: TicketsWalk
let client: Client
afterEach(() => client.close())

async function call(): Promise<{ text: string; isError: boolean }> {
  const { content, isError = false } = CallToolResultSchema.parse(await client.callTool(CALL))
  return { text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''), isError }
}

describe('a waiting server', () => {
  beforeAll(async () => {
    tickets = await ticketsWalk()
  })
  afterAll(() => tickets.close())

  test('declined: the call ends and the tool did not run', async () => {
    client = await connect(() => 'decline')
    const { text, isError } = await call()
    expect(isError).toBe(true)
    expectOnPage('SDK 1.x, user declines', 'waiting', text)
  })
})

describe.each([
  ['waiting', {}],
  ['fail-fast', { failFast: true }],
] as const)('a %s server and a client without URL mode', (mode, options) => {
  beforeAll(async () => {
    tickets = await ticketsWalk(options)
  })
  afterAll(() => tickets.close())

  test('the link comes in words, and the next call succeeds', async () => {
    client = await connect()
    const { text, isError } = await call()
    expect(isError).toBe(true)
    expectOnPage('SDK 1.x, no URL mode', mode, text)
    expect((await tickets.fillIn(linkIn(text))).status).toBe(200)
    expect(await call()).toEqual(created(1))
  })
})

describe('a waiting server and a client with URL mode', () => {
  beforeAll(async () => {
    tickets = await ticketsWalk()
  })
  afterAll(() => tickets.close())

  test('call, link, form; the call goes on by itself, and a second one asks nothing', async () => {
    const seen: string[] = []
    let filled: Promise<unknown> = Promise.resolve()
    client = await connect((link, message) => {
      seen.push(message)
      filled = tickets.fillIn(link)
      return 'accept'
    })
    expect(await call()).toEqual(created(1))
    await filled
    expectOnPage('SDK 1.x', 'waiting', seen[0] ?? '')
    expect(await call()).toEqual(created(2))
    expect(seen).toHaveLength(1)
  })
})

describe.each([
  ['SDK 1.x', 'fail-fast', { failFast: true }],
  ['SDK 1.x', 'stateless', { mode: 'stateless' }],
  ['SDK 1.x, no URL mode', 'stateless', { mode: 'stateless' }],
] as const)('%s, a %s server', (name, mode, options) => {
  beforeAll(async () => {
    tickets = await ticketsWalk(options)
  })
  afterAll(() => tickets.close())

  test('the call ends with -32042 and the link, and the next one succeeds', async () => {
    client = await connect(name === 'SDK 1.x' ? () => 'accept' : undefined)
    const error = await call().catch((thrown: unknown) => thrown)
    if (!(error instanceof UrlElicitationRequiredError)) throw new Error(`not -32042: ${JSON.stringify(error)}`)
    expectOnPage(name, mode, error.message)
    const link = linkIn(error.message)
    expect(error.elicitations).toMatchObject([{ mode: 'url', url: link }])
    expect((await tickets.fillIn(link)).status).toBe(200)
    expect(await call()).toEqual(created(1))
  })
})

function connect(onLink?: (link: string, message: string) => ElicitResult['action']): Promise<Client> {
  return connectMcpClient({ url: tickets.url, user: 'Alice', ...(onLink && { onLink }) })
}
