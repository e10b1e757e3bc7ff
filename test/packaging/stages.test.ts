import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const STAGES = new URL('../../scripts/stages.mjs', import.meta.url).href

/** Runs one stage that counts for itself, as npm test runs npm run conformance. */
function run(printed: string, code: number): { readonly status: number | null; readonly lines: readonly string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'stages-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const command = `console.log(${JSON.stringify(printed)}); process.exitCode = ${code}`
  const script = `
    import { counted, runStages } from ${JSON.stringify(STAGES)}
    await runStages('test', [counted('suite', process.execPath, ['-e', ${JSON.stringify(command)}])])`
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder,
    encoding: 'utf8',
  })
  return { status, lines: stdout.trimEnd().split('\n') }
}

test.each([
  ['its counts are added', 'a line\n309 passed, 0 failed, 6 expected', 0, '309 passed, 0 failed', 0],
  ['its failures are failures', '300 passed, 2 failed, 0 expected', 1, '300 passed, 2 failed', 1],
  ['a code is a failure, whatever it counted', '5 passed, 0 failed', 3, '5 passed, 1 failed', 1],
  ['no counts are a failure', 'nothing ran', 0, '0 passed, 1 failed', 1],
  ['counts before the last line are none', '5 passed, 0 failed\nand then it stopped', 0, '0 passed, 1 failed', 1],
])('of a stage that counts for itself, %s', (_, printed, code, last, status) => {
  const result = run(printed, code)
  expect([result.lines.at(-1), result.status]).toEqual([last, status])
  expect(result.lines.join('\n')).toContain(printed)
})
