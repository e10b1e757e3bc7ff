import { expect, test } from 'vitest'
import { fillIn } from '../harness/mcp-harness.ts'
import { exampleTickets } from '../harness/processes/example-client.ts'
import { startHttpExample } from '../harness/processes/example-process.ts'

test('each service has a credential of its own, and a tool that needs both asks for the one that is missing', async () => {
  const wiki = await exampleTickets()
  const { tickets, connect } = await startHttpExample('two-providers/server.ts', () => ({ WIKI_URL: wiki.origin }))
  const asked: string[] = []
  const alice = await connect('alice', async (link) => {
    const isWiki = link.includes('/credentials/wiki/')
    asked.push(isWiki ? 'wiki' : 'tickets')
    await fillIn(link, 'alice', { pat: await (isWiki ? wiki : tickets).newToken('Alice') })
  })
  expect(await alice.call('create_ticket', { title: 'Printer' })).toContain('"key":"TICKET-1"')
  expect(asked).toEqual(['tickets'])
  const both = await alice.call('report_and_ticket', { title: 'Water' })
  expect(both.split('\n')).toEqual([
    expect.stringContaining('"title":"Report: Water"'),
    expect.stringContaining('"key":"TICKET-2"'),
  ])
  expect(asked).toEqual(['tickets', 'wiki'])
})
