import { expect, test } from 'vitest'
import { textOf } from '../../examples/tickets/http-browser.ts'
import { fillIn } from '../harness/mcp-harness.ts'
import { startHttpExample } from '../harness/processes/example-process.ts'

test('the tool waits for its user and goes on; the rest of the application is served as before', async () => {
  const { url, tickets, server, connect } = await startHttpExample('koa/server.ts')
  const pages: Promise<{ html: string }>[] = []
  const alice = await connect('alice', async (link) => {
    pages.push(fillIn(link, 'alice', { pat: await tickets.newToken('Alice') }))
  })
  expect(await alice.call('create_ticket', { title: 'Printer' })).toContain('"reporter":"alice"')
  expect(textOf((await pages[0])?.html ?? '')).toContain('Tickets is connected')
  expect(await alice.call('create_ticket', { title: 'Water' })).toContain('"title":"Water"')
  expect(pages).toHaveLength(1)
  expect(await (await fetch(url)).text()).toBe('The rest of the application.')
  await server.stop('SIGTERM')
  expect(server.child.exitCode).toBe(0)
})
