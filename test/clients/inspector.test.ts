import { auth } from '@modelcontextprotocol/sdk/client/auth.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { textOf } from '../../examples/tickets/http-browser.ts'
import { oauthLogin } from '../../examples/tickets/mcp-client.ts'
import { expectOnPage } from './clients-page.ts'
import { type Inspector, startInspector } from './inspector.ts'
import { linkIn, type TicketsWalk, ticketsWalk } from './tickets-walk.ts'

const pendingAuth = z.object({ pendingAuth: z.literal(true), authUrl: z.string() })
const pendingElicitation = z.object({
  elicitationPending: z.object({
    elicitationId: z.string(),
    mode: z.literal('url'),
    message: z.string(),
    url: z.string(),
  }),
})
const toolResult = z.object({
  content: z.array(z.object({ type: z.literal('text'), text: z.string() })),
  isError: z.boolean().optional(),
})
const TITLE = 'title:=Printer is on fire'

let inspector: Inspector
let tickets: TicketsWalk
beforeAll(async () => {
  inspector = await startInspector()
})
afterAll(() => inspector.close())

/** Connects mcpdo and signs Alice in, in a browser that follows the redirect to mcpdo's own callback. */
async function connect(...options: string[]): Promise<(...parameters: string[]) => Promise<unknown>> {
  const { authUrl } = pendingAuth.parse(await inspector.mcpdo('connect', tickets.url, ...options))
  const done = await tickets.signInAsAlice(authUrl)
  expect(textOf(done.html)).toContain('OAuth complete')
  expect(await inspector.mcpdo('--connection', tickets.url, 'connections/show')).toMatchObject({ transport: 'live' })
  return (...parameters) => inspector.mcpdo('--connection', tickets.url, ...parameters)
}

describe.each([
  ['`mcpdo`', 'waiting', {}, []],
  ['`mcpdo`', 'fail-fast', { failFast: true }, []],
  ['`mcpdo`', 'stateless', { mode: 'stateless' }, []],
  ['`mcpdo --elicit off`', 'stateless', { mode: 'stateless' }, ['--elicit', 'off']],
] as const)('%s, %s server', (client, mode, options, flags) => {
  beforeAll(async () => {
    tickets = await ticketsWalk(options)
  })
  afterAll(() => tickets.close())

  test('call, link, form, result; and a second call without a question', async () => {
    const mcpdo = await connect(...flags)
    const { elicitationPending } = pendingElicitation.parse(await mcpdo('tools/call', 'create_ticket', TITLE))
    expect(elicitationPending.url).toBe(linkIn(elicitationPending.url))
    expectOnPage(client, mode, elicitationPending.message)
    expect((await tickets.fillIn(elicitationPending.url)).status).toBe(200)
    const answer = await inspector.mcpdo('elicitation/respond', elicitationPending.elicitationId, '--done')
    expect(toolResult.parse(answer).content[0]?.text).toBe('TICKET-1 "Printer is on fire" was created by alice.')
    const second = toolResult.parse(await mcpdo('tools/call', 'create_ticket', TITLE))
    expect(second.content[0]?.text).toContain('TICKET-2')
  })
})

describe.each([
  ['waiting', {}],
  ['fail-fast', { failFast: true }],
] as const)('mcpdo --elicit off, %s server', (mode, options) => {
  beforeAll(async () => {
    tickets = await ticketsWalk(options)
  })
  afterAll(() => tickets.close())

  test('the link comes in words, and the next call succeeds', async () => {
    const mcpdo = await connect('--elicit', 'off')
    const first = toolResult.parse(await mcpdo('tools/call', 'create_ticket', TITLE))
    expect(first.isError).toBe(true)
    const text = first.content[0]?.text ?? ''
    expectOnPage('`mcpdo --elicit off`', mode, text)
    expect((await tickets.fillIn(linkIn(text))).status).toBe(200)
    const second = toolResult.parse(await mcpdo('tools/call', 'create_ticket', TITLE))
    expect(second.content[0]?.text).toBe('TICKET-1 "Printer is on fire" was created by alice.')
  })
})

describe.each([
  ['waiting', {}],
  ['fail-fast', { failFast: true }],
  ['stateless', { mode: 'stateless' }],
] as const)('mcp-inspector --cli, %s server', (mode, options) => {
  beforeAll(async () => {
    tickets = await ticketsWalk(options)
  })
  afterAll(() => tickets.close())

  test(mode === 'stateless' ? 'it shows nothing' : 'the link comes in words, and the next call succeeds', async () => {
    const header = `Authorization: Bearer ${await accessToken()}`
    const call = ['--method', 'tools/call', '--tool-name', 'create_ticket', '--tool-arg', 'title=Printer is on fire']
    const run = () => inspector.cli(tickets.url, '--transport', 'http', '--header', header, ...call)
    const first = await run()
    expectOnPage('`mcp-inspector --cli`', mode, first.output)
    if (mode === 'stateless') return expect(first).toEqual({ code: 0, output: '' })
    expect(first.code).not.toBe(0)
    expect((await tickets.fillIn(linkIn(first.output))).status).toBe(200)
    const second = await run()
    expect(second.output).toContain('was created by alice.')
    expect(second.code).toBe(0)
  })
})

/** Alice's access token: this command line can be given one. */
async function accessToken(): Promise<string> {
  const login = oauthLogin('Alice')
  expect(await auth(login.provider, { serverUrl: tickets.url })).toBe('REDIRECT')
  expect(await auth(login.provider, { serverUrl: tickets.url, authorizationCode: await login.code() })).toBe(
    'AUTHORIZED',
  )
  return (await login.provider.tokens())?.access_token ?? ''
}
