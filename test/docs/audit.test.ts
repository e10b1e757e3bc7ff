import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { withEventTable } from '../../scripts/audit-events.ts'
import { finding } from '../../src/audit/verify/finding.ts'
import { blocksOf, installInto, shell } from '../harness/processes/run-page-commands.ts'

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

test('the first sample of docs/audit.md runs as printed, and its log verifies', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-page-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  installInto(folder)
  // As plug-in.md's "npm install --save-dev tsx" leaves it.
  const tsx = join(import.meta.dirname, '../../node_modules/.bin/tsx')
  symlinkSync(tsx, join(folder, 'node_modules/.bin/tsx'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const [sample = ''] = blocksOf('docs/audit.md', '# Audit log', 'ts')
  const [commands = ''] = blocksOf('docs/audit.md', '# Audit log')
  writeFileSync(join(folder, 'audit.ts'), sample)
  const followed = shell(commands, folder, {})
  expect(await followed.ended, followed.output()).toBe(0)
  expect(followed.output()).toContain('"type":"audit.checkpoint"')
  expect(followed.output()).toMatch(/intact/i)
})
