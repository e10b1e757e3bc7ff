import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { compiled } from '../harness/processes/compile-module.ts'

const ROOT = join(import.meta.dirname, '../..')
const DEMO = compiled(join(ROOT, 'examples/tickets/demo.ts'))
const demo = (...words: readonly string[]) => promisify(execFile)(process.execPath, [DEMO, ...words], { cwd: ROOT })

test('--help names the backends', async () => {
  const { stdout } = await demo('--help')
  expect(stdout).toContain('--backend sealed-file|vault|aws-secrets-manager')
})

test.each([['--backend', 'redis'], ['--backend'], ['vault']])(
  '%s %s is wrong usage, and names the backends',
  async (...words) => {
    await expect(demo(...words)).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('sealed-file|vault|aws-secrets-manager'),
    })
  },
)

test('--proxy walks through the example of the proxy, and ends', { timeout: 240_000 }, async () => {
  const { stdout } = await demo('--proxy')
  expect(stdout).toContain('claude mcp add --transport http support')
  expect(stdout).toContain('The proxy holds the tool back.')
  expect(stdout.trimEnd().endsWith('All of it happened.')).toBe(true)
})
