import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const STAGES = new URL('../../scripts/stages.mjs', import.meta.url).href

/** Code of a stage that counts for itself, as npm test runs npm run conformance. */
function counted(printed: string, code: number): string {
  const command = `console.log(${JSON.stringify(printed)}); process.exitCode = ${code}`
  return `counted('suite', process.execPath, ['-e', ${JSON.stringify(command)}])`
}

/** Runs one stage, whose code is given. */
function run(stage: string): { readonly status: number | null; readonly lines: readonly string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'stages-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const script = `
    import { counted, runStages, sideBySide, together } from ${JSON.stringify(STAGES)}
    await runStages('test', [${stage}])`
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
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
  const result = run(counted(printed, code))
  expect([result.lines.at(-1), result.status]).toEqual([last, status])
  expect(result.lines.join('\n')).toContain(printed)
})

test('stages side by side run at the same time, are added up, and each that fails is named', () => {
  // Each ends only when the other has begun.
  const waiting = (own: string, other: string, code: number) => {
    const wait = `while [ ! -e ${other} ]; do sleep 0.05; done`
    return `together('both', ['${own}', 'sh', ['-c', 'touch ${own}; ${wait}; echo said by ${own}; exit ${code}']])`
  }
  const { lines, status } = run(
    `sideBySide('all', ${waiting('one', 'two', 0)}, ${waiting('two', 'one', 3)}, ${counted('7 passed, 1 failed', 1)})`,
  )
  expect([lines.at(-1), status]).toEqual(['8 passed, 2 failed', 1])
  for (const line of ['said by one', 'said by two', '7 passed, 1 failed', '  two (3)', '  suite: see its output above'])
    expect(lines).toContain(line)
  expect(lines.filter((line) => line.startsWith('== '))).toEqual([
    '== 1/1 all',
    expect.stringMatching(/^== all: FAILED, 8 passed, 2 failed, \d+ s$/),
  ])
})
