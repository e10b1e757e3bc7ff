import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { expect, test } from 'vitest'
import { exampleClient } from '../harness/processes/example-client.ts'
import { fillInLocally, localLinkIn, stdioExample } from '../harness/processes/stdio-example.ts'

const EXAMPLE = 'low-level-server/server.ts'

test("the handler of tools/call asks and goes on, as McpServer's does", async () => {
  const { tickets, start } = await stdioExample(EXAMPLE)
  const links: string[] = []
  const { call } = await exampleClient(new StdioClientTransport({ ...start, stderr: 'ignore' }), async (link) => {
    links.push(link)
    await fillInLocally(link, await tickets.newToken('Alice'))
  })
  expect(await call('create_ticket', { title: 'Printer' })).toContain('"reporter":"alice"')
  expect(await call('create_ticket', { title: 'Water' })).toContain('"title":"Water"')
  expect(links).toHaveLength(1)
  expect(await call('no_such_tool')).toContain('There is no such tool')
})

test('a client without URL elicitation gets the link in words', async () => {
  const { tickets, start } = await stdioExample(EXAMPLE)
  const { call } = await exampleClient(new StdioClientTransport({ ...start, stderr: 'ignore' }))
  await fillInLocally(localLinkIn(await call('create_ticket', { title: 'Printer' })), await tickets.newToken('Bob'))
  expect(await call('create_ticket', { title: 'Printer' })).toContain('"reporter":"bob"')
})
