import type { FileHandle } from 'node:fs/promises'
import { type link, type mkdir, open } from 'node:fs/promises'
import { beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { put, remove } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

/** The store's disk operations, in order. */
const asked = vi.hoisted((): string[] => [])

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<{ link: typeof link; mkdir: typeof mkdir }>()
  return {
    ...real,
    async link(...parameters: Parameters<typeof link>) {
      await real.link(...parameters)
      asked.push('link')
    },
    async mkdir(...parameters: Parameters<typeof mkdir>) {
      const made = await real.mkdir(...parameters)
      asked.push('make folder')
      return made
    },
  }
})

beforeAll(async () => {
  const handle = await open(import.meta.dirname)
  const prototype: FileHandle = Object.getPrototypeOf(handle)
  await handle.close()
  const { sync, truncate } = prototype
  vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
    await sync.call(this)
    asked.push((await this.stat()).isDirectory() ? 'sync folder' : 'sync file')
  })
  vi.spyOn(prototype, 'truncate').mockImplementation(async function (this: FileHandle, length?: number) {
    await truncate.call(this, length)
    asked.push('empty')
  })
})
beforeEach(() => {
  asked.length = 0
})

// kill -9 does not show what a power failure takes: only the order of these calls does.
test('a save is acknowledged after its bytes, its name and its new folder are on the disk', async () => {
  const backend = await (await sealedFolder()).open()
  asked.length = 0
  await put(backend, ALICE, { pat: 'one' })
  expect(asked).toEqual(['make folder', 'sync folder', 'sync file', 'link', 'sync folder'])
  asked.length = 0
  await put(backend, ALICE, { pat: 'two' })
  expect(asked).toEqual(['sync file', 'link', 'sync folder'])
})

test('a revocation is acknowledged after its mark is on the disk, and then the values are gone from it', async () => {
  const backend = await (await sealedFolder()).open()
  await put(backend, ALICE, { pat: 'one' })
  asked.length = 0
  expect(await remove(backend, ALICE)).toBe(true)
  expect(asked).toEqual(['sync file', 'link', 'sync folder', 'empty', 'sync file'])
})

test('a new store is opened after its keyring is on the disk', async () => {
  const store = await sealedFolder()
  await store.open()
  const linked = asked.indexOf('link')
  expect(asked[linked - 1]).toBe('sync file')
  expect(asked[linked + 1]).toBe('sync folder')
})
