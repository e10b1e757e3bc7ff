// Walks every client from call to result, and writes what was seen into docs/clients.md. Takes a few minutes.
import { readFileSync, writeFileSync } from 'node:fs'
import { withWalks } from '../test/clients/clients-page.ts'
import { type Row, walkRow } from '../test/clients/walk.ts'
import { WALKS } from '../test/clients/walks.ts'
import { bringInspector } from './bring-inspector.mjs'
import { bringNode } from './bring-node.mjs'
import { bringPython } from './bring-python.mjs'

const PAGE = 'docs/clients.md'
await bringPython()
await bringInspector()
await bringNode(['22'])

const rows: Record<string, Row[]> = {}
for (const [heading, walks] of Object.entries(WALKS)) {
  rows[heading] = []
  for (const walk of walks) {
    const row = await walkRow(walk)
    rows[heading].push(row)
    console.log(`${walk.client}, ${walk.server}: ${row.asked}, ${row.next}`)
  }
}
writeFileSync(PAGE, withWalks(readFileSync(PAGE, 'utf8'), rows))
process.exit(0)
