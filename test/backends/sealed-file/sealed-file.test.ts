import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { call, put, remove, statusOfAll } from '../../../src/testing/secret-backend/calls.ts'
import { describeSecretBackend } from '../../../src/testing/secret-backend/suite.ts'
import { ALICE, BOB, revisionPath, revisionsOf, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

afterEach(() => {
  vi.useRealTimers()
})

describeSecretBackend({
  test,
  async makeHarness() {
    const store = await sealedFolder()
    const [here, there] = [await store.open(), await store.open()]
    return {
      here,
      there,
      reconnect: () => store.open(),
      close: () => rm(store.folder, { recursive: true }),
    }
  },
})

test('folders are 0700, files 0600, and nothing in them is readable', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'canary-value', canary_field: 'x' })
  const entries = await readdir(store.folder, { recursive: true, withFileTypes: true })
  expect(entries.filter((entry) => entry.isFile())).toHaveLength(2)
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    expect((await stat(path)).mode & 0o777).toBe(entry.isDirectory() ? 0o700 : 0o600)
    expect(path.slice(store.folder.length)).not.toMatch(/alice|jira|login/)
    if (entry.isFile()) expect(decoded(await readFile(path, 'utf8'))).not.toMatch(/alice|jira|login|canary/)
  }
  expect((await stat(store.folder)).mode & 0o777).toBe(0o700)
})

test('records of different length classes look alike', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'short' })
  await put(backend, BOB, { pat: 'a token of forty characters, or so it is' })
  const sizes = await Promise.all(
    [...(await revisionsOf(backend, ALICE)), ...(await revisionsOf(backend, BOB))].map(
      async (path) => (await stat(path)).size,
    ),
  )
  expect(sizes[0]).toBe(sizes[1])
})

test('a record keeps the position of the audit line that announced it', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'x' }, { audit: { writer: 'writer-7', seq: 41 } })
  const [path = ''] = await revisionsOf(backend, ALICE)
  const header = JSON.parse(Buffer.from((await readFile(path, 'utf8')).split('\n')[1] ?? '', 'base64url').toString())
  expect(header.audit).toEqual({ writer: 'writer-7', seq: 41 })
})

test('one earlier revision is kept, older ones are emptied', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  for (const pat of ['one', 'two', 'three', 'four']) await put(backend, ALICE, { pat })
  expect(await sizesOf(await revisionsOf(backend, ALICE))).toEqual([0, 0, expect.any(Number), expect.any(Number)])
  expect((await sizesOf(await revisionsOf(backend, ALICE))).slice(2).every((size) => size > 0)).toBe(true)
})

test('revoking empties every earlier revision', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'one' })
  await put(backend, ALICE, { pat: 'two' })
  await remove(backend, ALICE)
  expect(await sizesOf(await revisionsOf(backend, ALICE))).toEqual([0, 0, expect.any(Number)])
})

test('a purged credential leaves a mark that is not sealed to anybody and numbers that go on', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'one' })
  await remove(backend, ALICE, { purge: true })
  const paths = await revisionsOf(backend, ALICE)
  expect((await readFile(paths.at(-1) ?? '', 'utf8')).split('\n')[2]).toBe('')
  expect((await put(backend, ALICE, { pat: 'two' })).label).toBe('3')
  const restarted = await store.open()
  expect(await restarted.read(ALICE, call())).toMatchObject({ status: 'active', values: { pat: 'two' } })
})

test('no temporary file is left, and those of a crash are swept after an hour', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'one' })
  const temporaries = join(store.folder, 'tmp')
  expect(await readdir(temporaries)).toEqual([])
  await writeFile(join(temporaries, `${'a'.repeat(24)}.tmp`), 'left by a crash')
  await store.open()
  expect(await readdir(temporaries)).toHaveLength(1)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_700_000 })
  await store.open()
  expect(await readdir(temporaries)).toEqual([])
})

test('names of emptied revisions are freed ten minutes later', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  for (const pat of ['one', 'two', 'three', 'four']) await put(backend, ALICE, { pat })
  expect(await revisionsOf(backend, ALICE)).toHaveLength(4)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 700_000 })
  await put(backend, ALICE, { pat: 'five' })
  expect(await revisionsOf(backend, ALICE)).toEqual([4, 5].map((number) => revisionPath(backend, ALICE, number)))
})

test('a store that was unmounted is an outage, not a store without credentials', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'one' })
  await rename(store.folder, `${store.folder}.unmounted`)
  for (const recreated of [false, true]) {
    if (recreated) await mkdir(store.folder, { mode: 0o700 })
    const gone = { code: 'unavailable', reason: 'store_gone' }
    await expect(backend.read(BOB, call())).rejects.toMatchObject(gone)
    await expect(backend.read(ALICE, call())).rejects.toMatchObject(gone)
    await expect(put(backend, BOB, { pat: 'x' })).rejects.toMatchObject(gone)
    await expect(statusOfAll(backend)).rejects.toMatchObject(gone)
  }
  await rm(store.folder, { recursive: true })
  await rename(`${store.folder}.unmounted`, store.folder)
  expect(await backend.read(ALICE, call())).toMatchObject({ values: { pat: 'one' } })
})

test('unknown options are refused where they are given', () => {
  expect(() => sealedFile({ folder: '', keyfile: 'x' } as never)).toThrow(/sealedFile.folder.*sealedFile.keyfile/)
})

test('using a store that is not open is a configuration error', async () => {
  const backend = sealedFile({ folder: '/nowhere' })
  await expect(backend.read(ALICE, call())).rejects.toMatchObject({ code: 'configuration_invalid', reason: 'not_open' })
  expect(() => backend.locate(ALICE)).toThrow(/not open/)
})

function decoded(text: string): string {
  return text
    .split('\n')
    .map((line) => Buffer.from(line, 'base64url').toString('latin1'))
    .join('\n')
}

function sizesOf(paths: readonly string[]): Promise<number[]> {
  return Promise.all(paths.map(async (path) => (await stat(path)).size))
}
