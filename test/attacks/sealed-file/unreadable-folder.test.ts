import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { compiled } from '../../harness/processes/compile-module.ts'

const child = compiled(join(import.meta.dirname, '../../harness/sealed-file/unreadable-child.ts'))

test.each([
  ['store', ['read', 'stat', 'save', 'revoke', 'list', 'open']],
  ['records', ['read', 'stat', 'save', 'revoke', 'list', 'open']],
  ['shard', ['read', 'stat', 'save', 'revoke', 'list', 'open']],
  ['keyring', ['open']],
  ['record', ['read', 'stat', 'open']],
] as const)(
  'where its %s cannot be read, a store says so, never that nothing is stored, and loses nothing',
  async (part, refused) => {
    const folder = await mkdtemp(join(tmpdir(), 'unreadable-'))
    await chmod(folder, 0o755)
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [child, folder, part])
      const { said, after } = JSON.parse(stdout) as { said: Record<string, string>; after: unknown }
      for (const operation of refused) {
        expect(said[operation], operation).toMatch(/^(forbidden|unavailable|key_missing|configuration_invalid) /)
        expect(said[operation], operation).toContain(folder)
      }
      expect(Object.values(said).filter((text) => text.startsWith('foreign'))).toEqual([])
      expect(Object.values(said).join()).not.toContain('absent')
      if (said['revoke']?.startsWith('done') !== true) expect(after).toEqual({ pat: 'the kept value' })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
)
