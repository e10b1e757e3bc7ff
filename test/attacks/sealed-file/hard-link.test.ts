import { link, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { call, put, remove } from '../../../src/testing/secret-backend/calls.ts'
import {
  ALICE,
  BOB,
  refuses,
  revisionPath,
  sealedFolder,
  temporaryFolder,
} from '../../harness/sealed-file/sealed-folder.ts'

test("another person's record under a second name is not taken for one's own", async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  await put(backend, BOB, { pat: 'of bob' })
  await rm(revisionPath(backend, ALICE, 1))
  await link(revisionPath(backend, BOB, 1), revisionPath(backend, ALICE, 1))
  await refuses(store, backend, ALICE, { code: 'record_tampered' })
  expect(await backend.read(BOB, call())).toMatchObject({ values: { pat: 'of bob' } })
})

test('an old revision under the name of a new one does not bring its value back', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'one' })
  await put(backend, ALICE, { pat: 'two' })
  await link(revisionPath(backend, ALICE, 1), revisionPath(backend, ALICE, 3))
  await refuses(store, backend, ALICE, { code: 'record_replayed' })
})

test('a revocation also empties the copy that somebody made by a hard link', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  const kept = join(await temporaryFolder(), 'kept')
  await link(revisionPath(backend, ALICE, 1), kept)
  expect((await readFile(kept)).length).toBeGreaterThan(0)
  expect(await remove(backend, ALICE)).toBe(true)
  expect((await readFile(kept)).length).toBe(0)
})

test('a hard link to a file of somebody else in place of a record empties and changes nothing there', async () => {
  const store = await sealedFolder()
  const other = await sealedFolder()
  const victim = await other.open()
  await put(victim, ALICE, { pat: 'of the other store' })
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'mine' })
  await rm(revisionPath(backend, ALICE, 1))
  await link(revisionPath(victim, ALICE, 1), revisionPath(backend, ALICE, 1))
  await refuses(store, backend, ALICE, { code: 'record_tampered' })
  expect(await victim.read(ALICE, call())).toMatchObject({ values: { pat: 'of the other store' } })
})
