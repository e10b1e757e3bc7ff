// Writes docs/api.md from the docstrings.
import { writeFileSync } from 'node:fs'
import { apiPage } from './api-reference/page.ts'

writeFileSync('docs/api.md', apiPage('.'))
