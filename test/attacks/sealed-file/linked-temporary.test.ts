import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { call, put, valuesOf } from '../../../src/testing/secret-backend/calls.ts'
import { compiled } from '../../harness/processes/compile-module.ts'
import { ALICE, sealedFolder, temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

const ROUNDS = 40

const racer = compiled(join(import.meta.dirname, '../../harness/sealed-file/sealed-file-racer.ts'))

test('a tool that hard-links tmp/ does not let two processes save one revision', { timeout: 120_000 }, async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'first' })
  const copies = join(await temporaryFolder(), 'copies')
  await mkdir(copies)
  const tool = started(store.key, ['link', join(store.folder, 'tmp'), copies])
  await tool.next()
  const writers = [started(store.key, ['race', store.folder]), started(store.key, ['race', store.folder])]
  for (let round = 1; round <= ROUNDS; round += 1) {
    await Promise.all(writers.map((writer) => writer.ask('look')))
    const answers = await Promise.all(writers.map((writer, which) => writer.ask(`${round}-${which}`)))
    const winners = answers.flatMap((answer, which) => (answer.startsWith('saved ') ? [which] : []))
    expect(winners, answers.join(', ')).toHaveLength(1)
    expect(await valuesOf(backend, ALICE)).toEqual({ pat: `${round}-${winners[0]}` })
  }
  expect((await readdir(copies)).length).toBeGreaterThan(0)
  expect(await backend.stat(ALICE, call())).toMatchObject({ version: { label: String(ROUNDS + 1) } })
})

function started(key: string, parameters: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [racer, ...parameters], {
    env: { ...process.env, MCP_VAULT_KEY: key },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  if (!child.stdout || !child.stdin) throw new Error('the process has no pipes')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const { stdin } = child
  const next = async () => String((await lines.next()).value)
  return {
    next,
    ask(line: string) {
      stdin.write(`${line}\n`)
      return next()
    },
  }
}
