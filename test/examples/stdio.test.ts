import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { expect, onTestFinished, test } from 'vitest'
import { textOf } from '../../examples/tickets/http-browser.ts'
import { exampleClient } from '../harness/processes/example-client.ts'
import { fillInLocally, localLinkIn, stdioExample } from '../harness/processes/stdio-example.ts'

const TICKET = { title: 'Printer is on fire' }
const EXAMPLE = 'stdio/server.ts'

/** Resolves when nobody answers at the link's port any more. */
const portClosed = (link: string) => expect(fetch(link)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })

test('the client asks its user by URL elicitation, the form is on a port of its own, and the call goes on', async () => {
  const { tickets, start } = await stdioExample(EXAMPLE)
  const transport = new StdioClientTransport({ ...start, stderr: 'pipe' })
  let said = ''
  transport.stderr?.on('data', (chunk) => (said += chunk))
  const pages: Promise<{ html: string }>[] = []
  const links: string[] = []
  const { client, call } = await exampleClient(transport, async (link) => {
    links.push(link)
    pages.push(fillInLocally(link, await tickets.newToken('Alice')))
  })
  expect(await call('create_ticket', TICKET)).toContain('"reporter":"alice"')
  expect(textOf((await pages[0])?.html ?? '')).toContain('Ticket Service is connected')
  expect(links[0]).toBe(localLinkIn(links[0] ?? ''))
  expect(await call('create_ticket', TICKET)).toContain('"reporter":"alice"')
  expect(links).toHaveLength(1)
  expect(said).toContain('There is no login')
  await client.close()
  await portClosed(links[0] ?? '')
})

test('a client without URL elicitation gets the link in words', async () => {
  const { tickets, start } = await stdioExample(EXAMPLE)
  const { call } = await exampleClient(new StdioClientTransport({ ...start, stderr: 'ignore' }))
  const link = localLinkIn(await call('create_ticket', TICKET))
  await fillInLocally(link, await tickets.newToken('Bob'))
  expect(await call('create_ticket', TICKET)).toContain('"reporter":"bob"')
})

test('a second process of the same user finds the credential', async () => {
  const { tickets, start } = await stdioExample(EXAMPLE)
  const connect = () => exampleClient(new StdioClientTransport({ ...start, stderr: 'ignore' }))
  const [one, two] = [await connect(), await connect()]
  const link = localLinkIn(await one.call('create_ticket', TICKET))
  await fillInLocally(link, await tickets.newToken('Alice'))
  expect(await two.call('create_ticket', TICKET)).toContain('"reporter":"alice"')
})

test('stdout holds nothing but the protocol, and a closed stdin ends the process at once, also while a call waits', async () => {
  const { start } = await stdioExample(EXAMPLE)
  const server = spawn(start.command, start.args, { env: start.env, stdio: ['pipe', 'pipe', 'pipe'] })
  onTestFinished(() => void server.kill('SIGKILL'))
  const ended = once(server, 'exit')
  let output = ''
  let errors = ''
  server.stdout.on('data', (chunk) => (output += chunk))
  server.stderr.on('data', (chunk) => (errors += chunk))
  const send = (message: object) => server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const clientInfo = { name: 'raw', version: '1' }
  const capabilities = { elicitation: { url: {} } }
  send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities, clientInfo } })
  send({ method: 'notifications/initialized' })
  const _meta = { progressToken: 'p' }
  send({ id: 2, method: 'tools/call', params: { name: 'create_ticket', arguments: TICKET, _meta } })
  await expect.poll(() => localLinkIn(output)).not.toBe('')
  const link = localLinkIn(output)
  expect((await fetch(link)).status).toBe(200)

  server.stdin.end()
  // By itself the call waits five minutes, longer than this test may take.
  expect(await ended).toEqual([0, null])
  await portClosed(link)
  const lines = output.trimEnd().split('\n')
  expect(lines.length).toBeGreaterThan(1)
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' })
  // A warning at the start, and nothing about the end.
  expect(errors.trimEnd().split('\n')).toEqual([expect.stringContaining('There is no login')])
})
