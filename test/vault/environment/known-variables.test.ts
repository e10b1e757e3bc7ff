import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { knownVariables } from '../../../src/vault/environment/known-variables.ts'

test('every variable of ours that the page lists is known, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8')
  const listed = [...page.matchAll(/^\| `(MCP_[A-Z_]+)` \|/gm)].map(([, name]) => name)
  expect(listed.length).toBeGreaterThan(20)
  expect([...knownVariables].sort()).toEqual([...new Set(listed)].sort())
})
