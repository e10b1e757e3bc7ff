import { copyFile } from 'node:fs/promises'
import { test } from 'vitest'
import { put, remove } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, refuses, revisionPath, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

test('an earlier revision under a later name is refused', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'leaked long ago' })
  await put(backend, ALICE, { pat: 'current' })
  await copyFile(revisionPath(backend, ALICE, 1), revisionPath(backend, ALICE, 3))
  for (const each of [backend, await store.open()]) {
    await refuses(store, each, ALICE, { code: 'record_replayed', reason: 'revision' })
  }
})

test('a copy of a revoked credential does not come back on top of its mark', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'revoked' })
  const backup = `${store.folder}.backup`
  await copyFile(revisionPath(backend, ALICE, 1), backup)
  await remove(backend, ALICE)
  await copyFile(backup, revisionPath(backend, ALICE, 3))
  await refuses(store, await store.open(), ALICE, { code: 'record_replayed', reason: 'revision' })
})
