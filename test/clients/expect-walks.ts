import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lineOn } from './clients-page.ts'
import { type Walk, walkRow } from './walk.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/clients.md'), 'utf8')

/** Tests that each walk comes to what docs/clients.md says. */
export function expectWalks(walks: readonly Walk[]): void {
  test.each(walks.map((walk) => [walk.client, walk.server, walk] as const))(
    '%s, server %s: from call to result as docs/clients.md says; otherwise: npm run docs:clients',
    async (_client, _server, walk) => {
      expect(page.split('\n')).toContain(lineOn(page, await walkRow(walk)))
    },
  )
}
