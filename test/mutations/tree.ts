import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'

const ROOT = join(import.meta.dirname, '..', '..')
const COPIED = ['src', 'test', 'scripts', 'templates', 'examples', 'package.json', 'tsconfig.json', 'vitest.config.ts']

/** A copy of the project that may be changed. */
export interface Tree {
  /** Resolves false when the patch does not apply; the tree is as it was then. */
  apply(patch: string): Promise<boolean>
  revert(patch: string): Promise<void>
  run(tests: readonly string[]): Promise<TestRun>
  remove(): void
}

export interface TestRun {
  readonly passed: number
  /** Names of the tests that failed. */
  readonly failed: readonly string[]
  /** Files that could not even be loaded. */
  readonly broken: readonly string[]
}

const resultsSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
})

/** Outside of the project, so that git takes it for no part of the repository. */
export function copyTree(): Tree {
  const folder = mkdtempSync(join(tmpdir(), 'mutation-'))
  for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  // Policies, and the servers that scripts/bring-python.mjs has installed.
  symlinkSync(join(ROOT, 'docs'), join(folder, 'docs'))
  mkdirSync(join(folder, '.cache'))
  symlinkSync(join(ROOT, '.cache/python'), join(folder, '.cache/python'))

  async function exitCode(command: string, parameters: readonly string[]): Promise<number> {
    const child = spawn(command, parameters, {
      cwd: folder,
      stdio: 'ignore',
      env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() },
    })
    const [code] = await once(child, 'close')
    return code
  }

  return {
    apply: async (patch) => (await exitCode('git', ['apply', patch])) === 0,

    async revert(patch) {
      if ((await exitCode('git', ['apply', '-R', patch])) !== 0) throw new Error(`${patch} cannot be taken back`)
    },

    async run(tests) {
      const output = join(folder, 'results.json')
      rmSync(output, { force: true })
      const vitest = join(folder, 'node_modules/vitest/vitest.mjs')
      await exitCode(process.execPath, [vitest, 'run', '--reporter=json', `--outputFile=${output}`, ...tests])
      const { testResults } = resultsSchema.parse(JSON.parse(readFileSync(output, 'utf8')))
      const all = testResults.flatMap(({ assertionResults }) => assertionResults)
      return {
        passed: all.filter(({ status }) => status === 'passed').length,
        failed: all.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
        broken: testResults
          .filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0)
          .map(({ name }) => name),
      }
    },

    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
