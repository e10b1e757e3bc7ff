import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withEventTable } from '../../scripts/audit-events.ts'
import { finding } from '../../src/audit/verify/finding.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/audit.md'), 'utf8')

test('docs/audit.md has every event; otherwise run: npm run docs:audit', () => {
  expect(withEventTable(page)).toBe(page)
})

test('docs/audit.md has every finding of the verifier, and no other', () => {
  const source = readFileSync(join(import.meta.dirname, '../../src/audit/verify/finding.ts'), 'utf8')
  const kinds = [...source.matchAll(/^ {2}(\w+): '(?:tampered|incomplete|note)'/gm)].map(([, kind = '']) => kind)
  expect(kinds.length).toBeGreaterThan(15)
  expect(finding('tail_cut', '').severity).toBe('incomplete')
  for (const kind of kinds) expect(page).toContain(`\`${kind}\``)
})
