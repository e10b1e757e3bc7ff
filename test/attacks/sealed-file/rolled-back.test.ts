import { rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { call, put, remove } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, refuses, revisionPath, revisionsOf, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

test('going back to the earlier revision is refused while the process runs', async () => {
  const store = await sealedFolder()
  const [writer, reader] = [await store.open(), await store.open()]
  await put(writer, ALICE, { pat: 'leaked' })
  await put(writer, ALICE, { pat: 'current' })
  await reader.read(ALICE, call())
  await rm(revisionPath(writer, ALICE, 2))
  for (const each of [writer, reader]) {
    await refuses(store, each, ALICE, { code: 'record_replayed', reason: 'rolled_back' })
  }
})

test('after a restart the earlier revision reads as the newest: only the audit log knows better', async () => {
  const store = await sealedFolder()
  const writer = await store.open()
  await put(writer, ALICE, { pat: 'earlier' })
  await put(writer, ALICE, { pat: 'current' })
  await rm(revisionPath(writer, ALICE, 2))
  expect(await (await store.open()).read(ALICE, call())).toMatchObject({ values: { pat: 'earlier' } })
})

test('a record that disappears is not taken for one that never was', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'current' })
  await rm(revisionPath(backend, ALICE, 1))
  await refuses(store, backend, ALICE, { code: 'record_tampered', reason: 'deleted' })
})

test('removing the mark of a revocation does not bring the credential back', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'revoked' })
  await remove(backend, ALICE)
  await rm(revisionPath(backend, ALICE, 2))
  await refuses(store, backend, ALICE, { code: 'record_replayed', reason: 'rolled_back' })
  expect(await (await store.open()).read(ALICE, call())).toMatchObject({ status: 'revoked' })
})

test('a rolled back credential can be revoked, above everything that was seen', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'leaked' })
  await put(backend, ALICE, { pat: 'current' })
  await rm(revisionPath(backend, ALICE, 2))
  expect(await remove(backend, ALICE)).toBe(true)
  expect(await revisionsOf(backend, ALICE)).toContain(revisionPath(backend, ALICE, 3))
  expect(await backend.read(ALICE, call())).toMatchObject({ status: 'revoked' })
})
