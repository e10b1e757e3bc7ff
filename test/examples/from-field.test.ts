import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { textOf } from '../../examples/tickets/http-browser.ts'
import { fillIn } from '../harness/mcp-harness.ts'
import { startHttpExample } from '../harness/processes/example-process.ts'

test('a whole fromField example is in the docs: each user names a site, and the tool calls it by a path', async () => {
  const { tickets, connect } = await startHttpExample('from-field/server.ts', ({ origin }) => ({ SITES: origin }))
  const pages: string[] = []
  const alice = await connect('alice', async (link) => {
    const pat = await tickets.newToken('Alice')
    const elsewhere = await fillIn(link, 'alice', { site: 'https://tickets.evil.test', pat })
    const wrong = await fillIn(link, 'alice', { site: tickets.origin, pat: 'tkt_of-nobody' })
    const saved = await fillIn(link, 'alice', { site: `${tickets.origin.toUpperCase()}/`, pat })
    pages.push(...[elsewhere, wrong, saved].map(({ html }) => textOf(html)))
  })
  expect(await alice.call('create_ticket', { title: 'Printer' })).toContain('"reporter":"alice"')
  await expect.poll(() => pages).toHaveLength(3)
  expect(pages[0]).toContain(`this server accepts only ${tickets.origin}`)
  expect(pages[1]).toContain('This site does not know this token.')
  expect(pages[2]).toContain('Tickets is connected')
})

test('the example in docs/recipes.md is the one that runs', () => {
  const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8')
  const [, section = ''] = read('docs/recipes.md').split("## Each user's own site\n")
  expect(/```ts\n([\s\S]*?)```/.exec(section)?.[1]).toBe(read('examples/from-field/server.ts'))
})
