import { readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText, keyId, parseKey } from '../../../src/core/crypto/key-text.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import type { StoreKeys } from '../../../src/core/ports/store-keys.ts'
import { call, put, remove } from '../../../src/testing/secret-backend/calls.ts'
import {
  ALICE,
  BOB,
  keyringOf,
  revisionPath,
  revisionsOf,
  type SealedFolder,
  sealedFolder,
  snapshot,
} from '../../harness/sealed-file/sealed-folder.ts'
import { headersIn, lettingKeysAge } from '../../harness/sealed-file/store-keys.ts'

const { signal } = new AbortController()
const AT = new Date('2026-11-27T08:00:00Z')
const silent = { dryRun: false, onProgress: () => {} }

function keysOf(backend: SecretBackend): StoreKeys {
  if (!backend.storeKeys) throw new Error('the sealed file has keys')
  return backend.storeKeys
}

async function valueIn(backend: SecretBackend, key = ALICE): Promise<unknown> {
  const found = await backend.read(key, call())
  return found.status === 'active' ? found.values['pat'] : found.status
}

async function ofEveryKind(): Promise<{ readonly store: SealedFolder; readonly backend: SecretBackend }> {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'earlier' })
  await put(backend, ALICE, { pat: 'current' }, { labels: { accountName: 'alice-ci' } })
  await put(backend, BOB, { pat: 'revoked' })
  await remove(backend, BOB)
  return { store, backend }
}

describe('rotate', () => {
  test('new records use the new key, in a process that runs already too; old ones still open', async () => {
    const { store, backend } = await ofEveryKind()
    const other = await store.open()
    const { key, previous } = await keysOf(other).rotate(signal)
    expect(key).not.toBe(previous)
    expect(await valueIn(backend)).toBe('current')
    await put(backend, ALICE, { pat: 'new' })
    expect((await headersIn(store.folder)).filter(({ sealKey }) => sealKey === key)).toMatchObject([{ revision: 3 }])
    for (const each of [backend, other, await store.open()]) expect(await valueIn(each)).toBe('new')
  })

  test('a server whose key file is gone since its start uses the new key', async () => {
    const { store, backend } = await ofEveryKind()
    const keyFile = join(store.folder, '..', 'vault.key')
    await writeFile(keyFile, store.key, { mode: 0o600 })
    const server = sealedFile({ folder: store.folder, keyFile })
    await server.open()
    await rm(keyFile)
    const { key } = await keysOf(backend).rotate(signal)
    await put(server, ALICE, { pat: 'new' })
    expect((await headersIn(store.folder)).some(({ sealKey, revision }) => sealKey === key && revision === 3)).toBe(
      true,
    )
    await server.close()
  })

  test('two at once both take effect', async () => {
    const store = await sealedFolder()
    const [one, other] = [await store.open(), await store.open()]
    await Promise.all([keysOf(one).rotate(signal), keysOf(other).rotate(signal)])
    expect(await keyringOf(store)).toMatchObject({ generation: 3, sealKeys: { length: 3 } })
  })

  test('a lock of a killed command is broken, that of a running one is waited for', async () => {
    const store = await sealedFolder()
    const backend = await store.open()
    const lock = join(store.folder, 'keyring.lock')
    await writeFile(lock, '')
    await utimes(lock, 1, 1)
    await keysOf(backend).rotate(signal)
    expect(await readdir(store.folder)).not.toContain('keyring.lock')
    expect(await readdir(join(store.folder, 'tmp'))).toEqual([])
  })

  test('an older keyring that is restored is not taken by a running process', async () => {
    const { store, backend } = await ofEveryKind()
    const path = join(store.folder, 'keyring')
    const older = await readFile(path)
    await keysOf(backend).rotate(signal)
    await put(backend, ALICE, { pat: 'new' })
    await writeFile(path, older)
    expect(await valueIn(backend)).toBe('new')
    expect(store.warnings.join()).toContain('replaced by an older keyring')
    // After a restart there is no memory of it: the record is refused, and not lost.
    await expect(valueIn(await store.open())).rejects.toMatchObject({
      code: 'record_tampered',
      reason: 'unknown_writer',
    })
  })
})

describe('reseal', () => {
  test('every record is under the new key, with its version, labels, mark, operation and audit line', async () => {
    const { store, backend } = await ofEveryKind()
    const seen = await backend.read(ALICE, call())
    if (seen.status !== 'active') throw new Error('it is active')
    await backend.markRejected?.(ALICE, seen.version, AT, call())
    const before = await headersIn(store.folder)
    const { key } = await keysOf(backend).rotate(signal)
    const progress: number[] = []
    const report = await keysOf(backend).reseal(
      { dryRun: false, onProgress: ({ done }) => progress.push(done) },
      signal,
    )
    expect(report).toEqual({ total: 2, resealed: 2, upToDate: 0, emptied: 0, damaged: [] })
    expect(progress).toEqual([1, 2])
    const after = await headersIn(store.folder)
    expect(after.map(({ sealKey }) => sealKey)).toEqual([key, key])
    for (const { id, version, at, operation, audit } of after) {
      const newest = before.filter((header) => header.id === id).at(-1)
      expect({ version, at, operation, audit }).toEqual({
        version: newest?.version,
        at: newest?.at,
        operation: newest?.operation,
        audit: newest?.audit,
      })
    }
    for (const each of [backend, await store.open()]) {
      expect(await each.read(ALICE, call())).toEqual({ ...seen, labels: { accountName: 'alice-ci', rejectedAt: AT } })
      expect(await valueIn(each, BOB)).toBe('revoked')
    }
    expect(await keysOf(backend).reseal(silent, signal)).toMatchObject({ resealed: 0, upToDate: 2 })
  })

  test('a form, a cache and a repeated save that know the version go on', async () => {
    const store = await sealedFolder()
    const [server, operator] = [await store.open(), await store.open()]
    const intent = { operationId: 'save-1', expect: 'any' } as const
    const version = await put(server, ALICE, { pat: 'current' }, intent)
    await keysOf(operator).rotate(signal)
    await keysOf(operator).reseal(silent, signal)
    expect(await put(server, ALICE, { pat: 'current' }, intent)).toEqual(version)
    expect(server.isCurrent?.(ALICE, version)).toBe(true)
    const next = await put(server, ALICE, { pat: 'next' }, { expect: { version: version.ref } })
    expect(server.isCurrent?.(ALICE, version)).toBe(false)
    expect([version.label, next.label]).toEqual(['1', '3'])
  })

  test('nothing on the disk opens with the old key afterwards, earlier values included', async () => {
    const { store, backend } = await ofEveryKind()
    await keysOf(backend).rotate(signal)
    await put(backend, ALICE, { pat: 'saved after it' })
    const { key } = await keysOf(backend).rotate(signal)
    await keysOf(backend).reseal(silent, signal)
    expect((await headersIn(store.folder)).every(({ sealKey }) => sealKey === key)).toBe(true)
  })

  test('a run that was killed after a commit is finished by the next', async () => {
    const { store, backend } = await ofEveryKind()
    const [path = ''] = (await revisionsOf(backend, ALICE)).slice(-1)
    const old = await readFile(path)
    const { key } = await keysOf(backend).rotate(signal)
    await keysOf(backend).reseal(silent, signal)
    await writeFile(path, old)
    expect(await valueIn(backend)).toBe('current')
    expect(await keysOf(backend).reseal(silent, signal)).toMatchObject({ resealed: 0, upToDate: 2 })
    expect((await headersIn(store.folder)).every(({ sealKey }) => sealKey === key)).toBe(true)
  })

  test('a dry run changes nothing, and a damaged record is named and left alone', async () => {
    const { store, backend } = await ofEveryKind()
    await keysOf(backend).rotate(signal)
    await writeFile(revisionPath(backend, BOB, 3), 'planted')
    const before = await snapshot(store.folder)
    const report = await keysOf(backend).reseal({ ...silent, dryRun: true }, signal)
    expect(report).toMatchObject({ total: 2, resealed: 1, damaged: [backend.locate(BOB)] })
    expect(await snapshot(store.folder)).toEqual(before)
  })
})

describe('rewrap', () => {
  test('the new store key opens the store, the earlier one does not any more', async () => {
    const { store, backend } = await ofEveryKind()
    const newKey = generateKeyText()
    const { storeKey } = await keysOf(backend).rewrap(parseKey(newKey, 'test'), signal)
    expect(storeKey).toBe(keyId(parseKey(newKey, 'test')))
    expect(await valueIn(await store.open({ key: newKey }))).toBe('current')
    await expect(store.open()).rejects.toMatchObject({ code: 'key_wrong', message: expect.stringContaining(storeKey) })
  })

  test('a running server goes on, and takes the new key once its key file holds it', async () => {
    const { store, backend } = await ofEveryKind()
    const keyFile = join(store.folder, '..', 'vault.key')
    await writeFile(keyFile, store.key, { mode: 0o600 })
    const server = sealedFile({ folder: store.folder, keyFile, warn: (text) => store.warnings.push(text) })
    await server.open()
    const newKey = generateKeyText()
    await keysOf(backend).rewrap(parseKey(newKey, 'test'), signal)
    await put(server, ALICE, { pat: 'before the file is replaced' })
    expect(store.warnings.join()).toContain('keeps using the keys that it has')
    const operator = await store.open({ key: newKey })
    expect(await valueIn(operator)).toBe('before the file is replaced')

    await keysOf(operator).rotate(signal)
    expect(await valueIn(server)).toBe('before the file is replaced')
    await expect(put(server, ALICE, { pat: 'lost' })).rejects.toMatchObject({ code: 'key_wrong' })
    await put(operator, ALICE, { pat: 'under the newest key' })
    await expect(valueIn(server)).rejects.toMatchObject({ code: 'key_wrong' })

    await writeFile(`${keyFile}.new`, newKey, { mode: 0o600 })
    await rename(`${keyFile}.new`, keyFile)
    expect(await valueIn(server)).toBe('under the newest key')
    await put(server, ALICE, { pat: 'after the file was replaced' })
    expect(await valueIn(operator)).toBe('after the file was replaced')
    await server.close()
  })

  test('the same key again is refused', async () => {
    const { store, backend } = await ofEveryKind()
    const before = await snapshot(store.folder)
    await expect(keysOf(backend).rewrap(parseKey(store.key, 'test'), signal)).rejects.toMatchObject({
      reason: 'same_key',
    })
    expect(await snapshot(store.folder)).toEqual(before)
  })
})

describe('retire', () => {
  test('refuses while a writer may use an old key, and while a record needs one', async () => {
    const { store, backend } = await ofEveryKind()
    await keysOf(backend).rotate(signal)
    await expect(keysOf(backend).retire({ dryRun: false }, signal)).rejects.toMatchObject({ reason: 'key_too_new' })
    await lettingKeysAge(store)
    await expect(keysOf(backend).retire({ dryRun: false }, signal)).rejects.toMatchObject({
      reason: 'key_in_use',
      message: expect.stringMatching(/^2 records need/),
    })
    await keysOf(backend).reseal(silent, signal)
    const before = await snapshot(store.folder)
    const { retired } = await keysOf(backend).retire({ dryRun: true }, signal)
    expect(retired).toHaveLength(1)
    expect(await snapshot(store.folder)).toEqual(before)
    expect(await keysOf(backend).retire({ dryRun: false }, signal)).toMatchObject({ retired })
    expect(await keyringOf(store)).toMatchObject({ sealKeys: { length: 1 }, signKeys: { length: 1 } })
    for (const each of [backend, await store.open()]) expect(await valueIn(each)).toBe('current')
    expect(await keysOf(backend).retire({ dryRun: false }, signal)).toMatchObject({ retired: [] })
  })

  test('a revoked and a purged record need their key too', async () => {
    const store = await sealedFolder()
    const backend = await store.open()
    await put(backend, ALICE, { pat: 'gone' })
    await remove(backend, ALICE, { purge: true })
    await keysOf(backend).rotate(signal)
    await lettingKeysAge(store)
    await expect(keysOf(backend).retire({ dryRun: false }, signal)).rejects.toMatchObject({ reason: 'key_in_use' })
    await keysOf(backend).reseal(silent, signal)
    await keysOf(backend).retire({ dryRun: false }, signal)
    expect(await valueIn(await store.open())).toBe('absent')
  })

  test('a running server does not believe a record that is signed with a retired key', async () => {
    const { store, backend } = await ofEveryKind()
    const old = await readFile(revisionPath(backend, ALICE, 2))
    await keysOf(backend).rotate(signal)
    await lettingKeysAge(store)
    const operator = await store.open()
    await keysOf(operator).reseal(silent, signal)
    await keysOf(operator).retire({ dryRun: false }, signal)
    await writeFile(revisionPath(backend, ALICE, 4), old)
    await expect(valueIn(backend)).rejects.toMatchObject({ reason: 'unknown_writer' })
  })
})

describe('exposed', () => {
  test('an old key exposes what was saved before it was replaced, even if it was rewritten since', async () => {
    onTestFinished(() => void vi.useRealTimers())
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-01T00:00:00Z') })
    const store = await sealedFolder()
    const backend = await store.open()
    await put(backend, ALICE, { pat: 'exposed' })
    const [{ id: first }] = (await keyringOf(store)).sealKeys
    vi.setSystemTime(new Date('2026-11-02T00:00:00Z'))
    const { key: second } = await keysOf(backend).rotate(signal)
    vi.setSystemTime(new Date('2026-11-03T00:00:00Z'))
    await put(backend, BOB, { pat: 'not exposed' })
    await keysOf(backend).reseal(silent, signal)
    const of = async (key: string | undefined) =>
      (await keysOf(backend).exposed({ key }, signal)).credentials
        .map((one) => `${one.key.owner.subject} ${one.exposure}`)
        .sort()
    expect(await of(first)).toEqual(['alice current'])
    expect(await of(second)).toEqual(['alice current', 'bob current'])
    expect(await of(undefined)).toEqual(['alice current', 'bob current'])
    await keysOf(backend).retire({ dryRun: false }, signal)
    expect(await of(first)).toEqual(['alice current'])
    await put(backend, ALICE, { pat: 'replaced' })
    expect(await of(first)).toEqual(['alice earlier'])
    await remove(backend, ALICE)
    expect(await of(first)).toEqual(['alice earlier'])
    await remove(backend, ALICE, { purge: true })
    expect(await keysOf(backend).exposed({ key: first }, signal)).toMatchObject({ credentials: [], nameless: 1 })
    await expect(of('nonsense')).rejects.toMatchObject({
      reason: 'key_unknown',
      message: expect.stringContaining(first),
    })
  })

  test('a key exposes nothing that was never under it: neither records of older keys, nor those saved after its rotation', async () => {
    const store = await sealedFolder()
    const backend = await store.open()
    await put(backend, ALICE, { pat: 'under the first key' })
    const [{ id: first }] = (await keyringOf(store)).sealKeys
    const { key: second } = await keysOf(backend).rotate(signal)
    // At once, so within the time in which a writer may still use the first key.
    await put(backend, BOB, { pat: 'under the second key' })
    const of = async (key: string | undefined) =>
      (await keysOf(backend).exposed({ key }, signal)).credentials
        .map((one) => `${one.key.owner.subject} ${one.exposure}`)
        .sort()
    expect(await of(first)).toEqual(['alice current'])
    expect(await of(second)).toEqual(['bob current'])
    expect(await of(undefined)).toEqual(['alice current', 'bob current'])
    const { key: third } = await keysOf(backend).rotate(signal)
    expect(await of(third)).toEqual([])
    // A mark holds no value: what the key could open is what was revoked.
    await remove(backend, BOB)
    expect(await of(third)).toEqual(['bob earlier'])
    await keysOf(backend).reseal(silent, signal)
    expect(await of(third)).toEqual(['alice current', 'bob earlier'])
    expect(await of(first)).toEqual(['alice current', 'bob earlier'])
  })
})
