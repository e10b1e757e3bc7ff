import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { call, put, statusOfAll } from '../../../src/testing/secret-backend/calls.ts'
import { compiled } from '../../harness/processes/compile-module.ts'
import { type SealedFolder, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

const WRITER = compiled(join(import.meta.dirname, '../../harness/sealed-file/sealed-file-writer.ts'))
const keyOf = (subject: string) => storageKey('jira', { issuer: 'https://login.example.com', subject })

test('kill -9 loses no acknowledged save, and nothing stands in the way of the next start', {
  timeout: 120_000,
}, async () => {
  const store = await sealedFolder()
  const acknowledged = new Map<string, number>()
  for (let round = 0; round < 8; round += 1) {
    const process = start(store, 'save')
    const lines = linesOf(process)
    await lines.reached(1 + round * 5)
    process.kill('SIGKILL')
    await once(process, 'close')
    acknowledged.clear()
    for (const line of lines.complete()) acknowledged.set(line.split(' ')[0] ?? '', Number(line.split(' ')[1]))

    const backend = await store.open()
    for (const [subject, number] of acknowledged) {
      const found = await backend.read(keyOf(subject), call())
      expect(found.status).toBe('active')
      const stored = found.status === 'active' ? Number(found.values['pat']) : 0
      // The save after the acknowledged one may have been durable, and its answer lost.
      expect([number, number + 5]).toContain(stored)
    }
    for (const status of (await statusOfAll(backend)).values()) expect(status).toBe('active')
    await put(backend, keyOf('after'), { pat: 'the store goes on' })
  }
  expect((await readdir(join(store.folder, 'tmp'))).length).toBeLessThanOrEqual(8 * 4)
})

test('processes that change one credential by compare-and-set lose no change', async () => {
  const store = await sealedFolder()
  const processes = Array.from({ length: 4 }, () => start(store, 'count', '25'))
  await Promise.all(processes.map(ended))
  const found = await (await store.open()).read(keyOf('counter'), call())
  expect(found).toMatchObject({ status: 'active', values: { pat: '100' } })
})

test('processes that make the store at the same moment end with one keyring', async () => {
  for (let round = 0; round < 3; round += 1) {
    const store = await sealedFolder()
    const names = ['a', 'b', 'c', 'd', 'e']
    await Promise.all(names.map((name) => ended(start(store, 'open', name))))
    const backend = await store.open()
    for (const name of names) expect(await backend.read(keyOf(name), call())).toMatchObject({ values: { pat: name } })
    expect((await readdir(store.folder)).sort()).toEqual(['keyring', 'records', 'tmp'])
  }
})

test('backends of one process that make the store at the same moment end with one keyring', async () => {
  const store = await sealedFolder()
  const backends = await Promise.all(Array.from({ length: 8 }, () => store.open()))
  for (const [index, backend] of backends.entries()) await put(backend, keyOf(`${index}`), { pat: `${index}` })
  for (const backend of backends) expect((await statusOfAll(backend)).size).toBe(8)
})

function start(store: SealedFolder, mode: string, count = '1'): ChildProcess {
  return spawn(process.execPath, [WRITER, store.folder, mode, count], {
    env: { ...process.env, MCP_VAULT_KEY: store.key },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function ended(child: ChildProcess): Promise<void> {
  child.stdout?.resume()
  const [code] = await once(child, 'close')
  expect(code).toBe(0)
}

interface Lines {
  /** Resolves once the process has printed so many acknowledged saves. */
  reached(count: number): Promise<void>
  complete(): readonly string[]
}

function linesOf(child: ChildProcess): Lines {
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const complete = () =>
    text
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('owner-'))
  return {
    complete,
    reached: (count) =>
      new Promise((resolve, reject) => {
        child.once('close', () => reject(new Error(`the writer ended after ${complete().length} saves`)))
        child.stdout?.on('data', () => complete().length >= count && resolve())
      }),
  }
}
