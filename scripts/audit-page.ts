import { readFileSync, writeFileSync } from 'node:fs'
import { withEventTable } from './audit-events.ts'

const PAGE = 'docs/audit.md'
writeFileSync(PAGE, withEventTable(readFileSync(PAGE, 'utf8')))
