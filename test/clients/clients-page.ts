import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'

const page = readFileSync(join(import.meta.dirname, '../../docs/clients.md'), 'utf8')
const rows = page.split('\n').filter((line) => line.startsWith('| '))

/** What the user was seen to get has to hold all that docs/clients.md quotes in the row of this client and server, which quotes nothing for nothing. */
export function expectOnPage(client: string, server: string, seen: string): void {
  const row = rows.find((line) => line.startsWith(`| ${client} | ${server} |`))
  expect(row, `a row "${client} | ${server}" in docs/clients.md`).toBeDefined()
  // Links and ids differ each time.
  const lasting = seen.replace(/http:\/\/localhost:\d+\/credentials\/\S+/g, '*link*')
  for (const text of quoted(row ?? '')) expect(lasting).toContain(text)
  expect(quoted(row ?? '').length > 0).toBe(seen !== '')
}

/** What a row quotes, between “ and ”. */
function quoted(row: string): string[] {
  return [...row.matchAll(/“([^”]+)”/g)].map(([, text = '']) => text)
}
