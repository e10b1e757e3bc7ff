// Writes docs/security.md from test/requirements.ts.
import { writeFileSync } from 'node:fs'
import { requirementsPage } from '../test/requirements/page.ts'
import { chapters } from '../test/requirements.ts'

writeFileSync('docs/security.md', requirementsPage(chapters))
