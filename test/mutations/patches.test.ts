import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MUTATIONS, patchOf } from './mutations.ts'

const ROOT = join(import.meta.dirname, '..', '..')

// Whether each is caught takes minutes: npm run test:mutations.
test.each(MUTATIONS)('the patch $name applies, and its tests exist', (mutation) => {
  const { status, stderr } = spawnSync('git', ['apply', '--check', patchOf(mutation)], { cwd: ROOT, encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  for (const path of mutation.tests) expect(existsSync(join(ROOT, path)), path).toBe(true)
})
