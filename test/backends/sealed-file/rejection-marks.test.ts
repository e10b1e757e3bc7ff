import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createCurrentRecords } from '../../../src/backends/sealed-file/current-record.ts'
import { rotated } from '../../../src/backends/sealed-file/keys/keyring.ts'
import { recordId } from '../../../src/backends/sealed-file/record-id.ts'
import { createRejectionFiles } from '../../../src/backends/sealed-file/rejection-files.ts'
import { createRevisions } from '../../../src/backends/sealed-file/revisions.ts'
import type { SecretBackend, StoredVersion } from '../../../src/core/ports/secret-backend.ts'
import { call, put, remove, statusOfAll } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, keyringOf, revisionPath, sealedFolder, snapshot } from '../../harness/sealed-file/sealed-folder.ts'

const AT = new Date('2026-11-27T08:00:00Z')
const mark = (backend: SecretBackend, version: StoredVersion) => backend.markRejected?.(ALICE, version, AT, call())
const unmark = (backend: SecretBackend, version: StoredVersion) =>
  backend.markRejected?.(ALICE, version, undefined, call())
const labelsOf = async (backend: SecretBackend) => {
  const found = await backend.stat(ALICE, call())
  return found.status === 'active' ? found.labels : found.status
}

test('a mark is seen by other processes, never touches the record, and is removed again', async () => {
  const store = await sealedFolder()
  const [backend, other] = [await store.open(), await store.open()]
  const version = await put(backend, ALICE, { pat: 'dead' }, { labels: { accountName: 'alice-ci' } })
  const before = await snapshot(store.folder)
  expect(await mark(backend, version)).toBe(true)
  expect(await snapshot(store.folder)).toEqual(new Map([...before, ...(await marksIn(store.folder))]))
  expect(await labelsOf(other)).toEqual({ accountName: 'alice-ci', rejectedAt: AT })
  expect(await other.read(ALICE, call())).toMatchObject({ values: { pat: 'dead' }, labels: { rejectedAt: AT } })
  expect(await statusOfAll(other)).toEqual(new Map([[ALICE.path, 'active']]))
  expect(await unmark(other, version)).toBe(true)
  expect(await unmark(other, version)).toBe(true)
  expect(await snapshot(store.folder)).toEqual(before)
  expect(await labelsOf(backend)).toEqual({ accountName: 'alice-ci' })
})

test('a cached version is not current for any process once it is marked, and is again once the mark is gone', async () => {
  const store = await sealedFolder()
  const [backend, other] = [await store.open(), await store.open()]
  const version = await put(backend, ALICE, { pat: 'token' })
  await other.read(ALICE, call())
  expect(other.isCurrent?.(ALICE, version)).toBe(true)
  await mark(backend, version)
  expect(other.isCurrent?.(ALICE, version)).toBe(false)
  await unmark(backend, version)
  expect(other.isCurrent?.(ALICE, version)).toBe(true)
})

test('the next save drops the mark, and a mark of the earlier version is refused', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  const first = await put(backend, ALICE, { pat: 'dead' })
  await mark(backend, first)
  await put(backend, ALICE, { pat: 'alive' })
  expect(existsSync(`${revisionPath(backend, ALICE, 1)}.rejected`)).toBe(false)
  expect(await mark(backend, first)).toBe(false)
  expect(await labelsOf(backend)).toBeUndefined()
  expect(await marksIn(store.folder)).toEqual(new Map())
})

test('a revocation wins over a mark and removes its file', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  const version = await put(backend, ALICE, { pat: 'dead' })
  await mark(backend, version)
  await remove(backend, ALICE)
  expect(await labelsOf(backend)).toBe('revoked')
  expect(await mark(backend, version)).toBe(false)
  expect(await labelsOf(backend)).toBe('revoked')
  expect(await marksIn(store.folder)).toEqual(new Map())
})

test('a version that was never stored cannot be marked', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  const version = await put(backend, ALICE, { pat: 'token' })
  expect(await mark(backend, { ...version, ref: 'another' as StoredVersion['ref'] })).toBe(false)
  await remove(backend, ALICE, { purge: true })
  expect(await mark(backend, version)).toBe(false)
})

test('saves and marks at the same time leave no version marked but the rejected one', async () => {
  const store = await sealedFolder()
  const [backend, other] = [await store.open(), await store.open()]
  for (let round = 0; round < 15; round += 1) {
    const version = await put(backend, ALICE, { pat: `dead ${round}` })
    const [marked] = await Promise.all([mark(other, version), put(backend, ALICE, { pat: `alive ${round}` })])
    expect([true, false]).toContain(marked)
    expect(await labelsOf(other)).toBeUndefined()
  }
})

test('a folder in place of a mark is ignored, and nothing else fails', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'token' })
  await mkdir(`${revisionPath(backend, ALICE, 1)}.rejected`)
  expect(await labelsOf(backend)).toBeUndefined()
  expect(store.warnings).toHaveLength(1)
  await put(backend, ALICE, { pat: 'another' })
  expect(await backend.read(ALICE, call())).toMatchObject({ values: { pat: 'another' } })
})

async function marksIn(folder: string): Promise<Map<string, string>> {
  const all = await snapshot(folder)
  return new Map([...all].filter(([path]) => path.endsWith('.rejected')))
}

test('marks leave no temporary file', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await mark(backend, await put(backend, ALICE, { pat: 'token' }))
  expect(await readdir(join(store.folder, 'tmp'))).toEqual([])
  expect(dirname(backend.locate(ALICE))).toContain('records')
})

describe('a reseal, while a mark is removed', () => {
  test('does not bring it back, however the two interleave', async () => {
    const store = await sealedFolder()
    const backend = await store.open()
    await mark(backend, await put(backend, ALICE, { pat: 'good after all' }))
    const keyring = await keyringOf(store)
    const path = `${revisionPath(backend, ALICE, 1)}.rejected`
    const revisions = createRevisions(store.folder)
    const renewedAfter = async (between: () => void) => {
      const keys = {
        forReading: () => keyring,
        // It is asked between reading the mark and writing it.
        forWriting() {
          between()
          return rotated(keyring)
        },
        problem: () => undefined,
      }
      const records = createCurrentRecords(revisions, keys)
      const found = await records.find(recordId(keyring.indexKey, ALICE.provider, ALICE.owner))
      await createRejectionFiles({ keys, revisions, find: async () => found, warn: () => undefined }).renew(found)
    }
    const before = readFileSync(path, 'latin1')
    await renewedAfter(() => undefined)
    const renewed = readFileSync(path, 'latin1')
    expect(renewed.split('\n')[0]).toBe('mcv-rejection-v1')
    expect(renewed).not.toBe(before)

    writeFileSync(path, before)
    await renewedAfter(() => unlinkSync(path))
    expect(existsSync(path)).toBe(false)

    // A service may reject the version again meanwhile: that mark stays.
    writeFileSync(path, before)
    await renewedAfter(() => {
      unlinkSync(path)
      writeFileSync(path, 'a later mark')
    })
    expect(readFileSync(path, 'latin1')).toBe('a later mark')
  })

  test('of other processes ends with no mark, and without a trace of one', async () => {
    const store = await sealedFolder()
    const [backend, other] = [await store.open(), await store.open()]
    const version = await put(backend, ALICE, { pat: 'good after all' })
    const { signal } = call()
    for (let round = 0; round < 10; round += 1) {
      await mark(other, version)
      await backend.storeKeys?.rotate(signal)
      await Promise.all([
        backend.storeKeys?.reseal({ dryRun: false, onProgress: () => undefined }, signal),
        unmark(other, version),
      ])
      expect(await labelsOf(backend)).toBeUndefined()
      expect(await marksIn(store.folder)).toEqual(new Map())
    }
  })

  test('renews one that nobody removes', async () => {
    const store = await sealedFolder()
    const backend = await store.open()
    await mark(backend, await put(backend, ALICE, { pat: 'dead' }))
    const { signal } = call()
    const before = [...(await marksIn(store.folder)).values()]
    await backend.storeKeys?.rotate(signal)
    await backend.storeKeys?.reseal({ dryRun: false, onProgress: () => undefined }, signal)
    expect([...(await marksIn(store.folder)).values()]).not.toEqual(before)
    expect(await labelsOf(await store.open())).toEqual({ rejectedAt: AT })
  })
})
