import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test.each([
  'both-sdks/server-v1.ts',
  'both-sdks/server-v2.ts',
  'both-sdks/tools.ts',
  'express-existing/after.ts',
  'express-existing/before.ts',
  'from-field/server.ts',
  'koa/server.ts',
  'low-level-server/server.ts',
  'recipes/accounts.ts',
  'recipes/local-server.ts',
  'recipes/tools.ts',
  'stdio/server.ts',
  'two-providers/server.ts',
])('%s can be read at one go: fewer than 80 lines', (example) => {
  const text = readFileSync(join(import.meta.dirname, '../../examples', example), 'utf8')
  expect(text.trimEnd().split('\n').length).toBeLessThan(80)
})
