import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { compiled } from '../harness/processes/compile-module.ts'
import { fullDisks } from '../harness/sealed-file/full-disk.ts'

const appender = compiled(join(import.meta.dirname, 'appender.ts'))
let folder: string
let child: ChildProcess | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-'))
})
afterEach(async () => {
  child?.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

/** Runs until `enough` of the output, then kill -9. Resolves to the whole output. */
function runUntil(command: string, args: readonly string[], enough: (output: string) => boolean): Promise<string> {
  const started = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  child = started
  return new Promise((resolve, reject) => {
    let output = ''
    started.stdout.on('data', (chunk) => {
      output += String(chunk)
      if (enough(output)) started.kill('SIGKILL')
    })
    started.on('error', reject)
    started.on('close', () => resolve(output))
  })
}

function acknowledged(output: string): readonly string[] {
  return [...output.matchAll(/^ok (n\d+) \d+$/gm)].map((match) => match[1] ?? '')
}

test('every line acknowledged before kill -9 is there afterwards', async () => {
  const args = [appender, folder]
  const output = await runUntil(process.execPath, args, (text) => text.length > 8000)
  const [name = ''] = await readdir(folder)
  const lines = (await readFile(join(folder, name), 'utf8')).split('\n').slice(0, -1)
  const present = new Set(lines.map((line) => JSON.parse(line).correlationId))
  const promised = acknowledged(output)
  expect(promised.length).toBeGreaterThan(300)
  expect(promised.filter((id) => !present.has(id))).toEqual([])
})

test.each(fullDisks())('on $name, exactly the acknowledged lines are in the file', ({ run, errno }) => {
  const { stdout } = run(folder, 65_536, [appender, folder, '200', '100'])
  const present = [...stdout.matchAll(/^\{.*\}$/gm)].flatMap(([line]) => JSON.parse(line).correlationId ?? [])
  const reasons = new Set([...stdout.matchAll(/^no n\d+ (.*)$/gm)].map(([, reason]) => reason))
  expect([...reasons]).toEqual([errno === 'ENOSPC' ? 'disk_full' : 'write_failed'])
  expect(present.length).toBeGreaterThan(100)
  expect(present.sort()).toEqual([...acknowledged(stdout)].sort())
})
