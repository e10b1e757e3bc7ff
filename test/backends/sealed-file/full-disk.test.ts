import type { FileHandle, open } from 'node:fs/promises'
import { stat } from 'node:fs/promises'
import { beforeEach, expect, test, vi } from 'vitest'
import { call, put, remove, statusOfAll } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, BOB, revisionsOf, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

/** Bytes that the disk still takes. Emptying a file gives its bytes back. */
const disk = vi.hoisted(() => ({ free: Number.POSITIVE_INFINITY }))

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<{ open: typeof open }>()
  return {
    ...real,
    async open(...parameters: Parameters<typeof open>) {
      const file = await real.open(...parameters)
      const write = file.writeFile.bind(file)
      const truncate = file.truncate.bind(file)
      return Object.assign(file, {
        async writeFile(bytes: Uint8Array) {
          if (bytes.length > disk.free) {
            await write(bytes.subarray(0, Math.max(0, disk.free)))
            throw Object.assign(new Error('ENOSPC: no space left, canary-of-system'), { code: 'ENOSPC' })
          }
          disk.free -= bytes.length
          await write(bytes)
        },
        async truncate(length: number) {
          disk.free += (await file.stat()).size
          await truncate(length)
        },
      } satisfies Partial<FileHandle>)
    },
  }
})

beforeEach(() => {
  disk.free = Number.POSITIVE_INFINITY
})

test('row 31: a save on a full disk fails clearly and leaves the earlier value and no rest', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'earlier' })
  disk.free = 100
  const error = await put(backend, ALICE, { pat: 'later' }).catch((reason: Error) => reason)
  expect(error).toMatchObject({ code: 'unavailable', reason: 'disk_full' })
  expect(String(error)).not.toContain('canary')
  for (const each of [backend, await store.open()]) {
    expect(await each.read(ALICE, call())).toMatchObject({ values: { pat: 'earlier' } })
  }
  await expect(put(backend, BOB, { pat: 'first' })).rejects.toMatchObject({ reason: 'disk_full' })
  expect(await backend.read(BOB, call())).toEqual({ status: 'absent' })
  disk.free = 100_000
  await put(backend, ALICE, { pat: 'later' })
})

test('revoking on a full disk takes the space of the values for its mark', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'only' })
  disk.free = 0
  expect(await remove(backend, ALICE)).toBe(true)
  expect(await (await store.open()).read(ALICE, call())).toMatchObject({ status: 'revoked' })
  expect(await statusOfAll(backend)).toEqual(new Map([[ALICE.path, 'revoked']]))
  expect((await stat((await revisionsOf(backend, ALICE))[0] ?? '')).size).toBe(0)
})

test('revoking works even when others take all space that it frees', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'one' })
  await put(backend, ALICE, { pat: 'two' })
  disk.free = -10_000
  expect(await remove(backend, ALICE)).toBe(true)
  for (const each of [backend, await store.open()]) {
    expect(await each.read(ALICE, call())).toMatchObject({ status: 'revoked' })
  }
  expect(await remove(backend, ALICE)).toBe(false)
  expect(await statusOfAll(backend)).toEqual(new Map())
  expect(store.warnings).toEqual([expect.stringContaining('no longer says whose it was')])
})

test('a purge that finds no space destroys the values and says that it is not done', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'one' })
  disk.free = -10_000
  const attempt = remove(backend, ALICE, { purge: true })
  await expect(attempt).rejects.toMatchObject({ code: 'unavailable', reason: 'disk_full' })
  expect(await backend.read(ALICE, call())).toMatchObject({ status: 'revoked' })
  disk.free = 100_000
  expect(await remove(backend, ALICE, { purge: true })).toBe(true)
  expect(await backend.read(ALICE, call())).toEqual({ status: 'absent' })
})

test('a store on a full disk opens', async () => {
  const store = await sealedFolder()
  await put(await store.open(), ALICE, { pat: 'one' })
  disk.free = 0
  expect(await (await store.open()).read(ALICE, call())).toMatchObject({ values: { pat: 'one' } })
})
