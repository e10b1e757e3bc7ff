import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectOnPage } from './clients-page.ts'
import { type PythonClient, startPythonClient } from './python-client.ts'
import { linkIn, type TicketsWalk, ticketsWalk } from './tickets-walk.ts'

const CREATED = 'TICKET-1 "Printer is on fire" was created by alice.'
let tickets: TicketsWalk

/** Starts the client and signs Alice in. */
async function connect(elicitation: 'url' | 'none', mode: 'auto' | 'legacy' = 'auto'): Promise<PythonClient> {
  const client = startPythonClient(tickets.url, elicitation, mode)
  const { url } = await client.next('sign-in')
  const back = await tickets.signInAsAlice(url, { stopBefore: 'http://localhost:8098/callback' })
  client.say(back.url)
  expect(await client.next('connected')).toMatchObject({ protocolVersion: '2025-11-25' })
  return client
}

describe.each([
  ['waiting', {}],
  ['fail-fast', { failFast: true }],
] as const)('a %s server and no callback', (mode, options) => {
  beforeAll(async () => {
    tickets = await ticketsWalk(options)
  })
  afterAll(() => tickets.close())

  test('the link comes in words, and the next call succeeds', async () => {
    const client = await connect('none')
    const first = await client.next('result')
    expect(first.isError).toBe(true)
    expectOnPage('Python SDK, no callback', mode, first.text)
    expect((await tickets.fillIn(linkIn(first.text))).status).toBe(200)
    client.say('again')
    expect(await client.next('result')).toEqual({ event: 'result', text: CREATED, isError: false })
    expect(await client.close()).toBe(0)
  })
})

describe.each(['auto', 'legacy'] as const)('a waiting server and mode="%s"', (mode) => {
  beforeAll(async () => {
    tickets = await ticketsWalk()
  })
  afterAll(() => tickets.close())

  test('call, link, form; the call goes on by itself, and a second one asks nothing', async () => {
    const client = await connect('url', mode)
    const link = await client.next('link')
    expectOnPage('Python SDK', 'waiting', link.message)
    expect((await tickets.fillIn(link.url)).status).toBe(200)
    expect(await client.next('result')).toEqual({ event: 'result', text: CREATED, isError: false })
    client.say('again')
    expect((await client.next('result')).text).toContain('TICKET-2')
    expect(await client.close()).toBe(0)
  })
})

describe.each([
  ['Python SDK', 'url', 'fail-fast', { failFast: true }],
  ['Python SDK', 'url', 'stateless', { mode: 'stateless' }],
  ['Python SDK, no callback', 'none', 'stateless', { mode: 'stateless' }],
] as const)('%s (%s), a %s server', (name, elicitation, mode, options) => {
  beforeAll(async () => {
    tickets = await ticketsWalk(options)
  })
  afterAll(() => tickets.close())

  test('the call ends with -32042 and the link, and the next one succeeds', async () => {
    const client = await connect(elicitation)
    const { code, message, links } = await client.next('error')
    expect(code).toBe(-32042)
    expectOnPage(name, mode, message)
    expect(links).toEqual([linkIn(message)])
    expect((await tickets.fillIn(linkIn(message))).status).toBe(200)
    client.say('again')
    expect(await client.next('result')).toEqual({ event: 'result', text: CREATED, isError: false })
    expect(await client.close()).toBe(0)
  })
})
