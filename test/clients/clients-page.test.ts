import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { beginOf, lineOn, walksOn, withWalks } from './clients-page.ts'
import type { Row } from './walk.ts'
import { WALKS } from './walks.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/clients.md'), 'utf8')
const row: Row = {
  ...{ client: 'One', version: '1.0.0', server: '2.x', revision: '2026-07-28', asked: 'its result' },
  ...{ shown: `${'A long question. '.repeat(20)}*link*`, calls: 2, next: 'the client calls again' },
}

test('docs/clients.md has the walks of every client and version, and no other; otherwise: npm run docs:clients', () => {
  expect(walksOn(page)).toEqual(Object.values(WALKS).flat().map(beginOf))
})

test('a row that differs in what its user was shown, or in how they were asked, is not on the page', () => {
  const made = withWalks(page, { Clients: [row] }).split('\n')
  const whole = made.join('\n')
  expect(made).toContain(lineOn(whole, row))
  for (const other of [{ shown: 'Another question.' }, { asked: 'text' }, { calls: 3 }, { version: '1.0.1' }])
    expect(made).not.toContain(lineOn(whole, { ...row, ...other }))
})
