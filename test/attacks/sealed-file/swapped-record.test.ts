import { copyFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { call, put, remove, statusOfAll } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, BOB, refuses, revisionPath, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

test("another person's record under one's own name is refused", async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  await put(backend, BOB, { pat: 'of bob' })
  await copyFile(revisionPath(backend, BOB, 1), revisionPath(backend, ALICE, 1))

  for (const each of [backend, await store.open()]) {
    await refuses(store, each, ALICE, { code: 'record_tampered', reason: 'swapped' })
  }
  await expect(backend.read(ALICE, call())).rejects.toThrow(/Nothing was changed or deleted.*restore.*revoke/)
  expect(await backend.read(BOB, call())).toMatchObject({ values: { pat: 'of bob' } })
})

test('the list still names every other credential, and then says which record is bad', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  await put(backend, BOB, { pat: 'of bob' })
  await copyFile(revisionPath(backend, BOB, 1), revisionPath(backend, ALICE, 1))
  const listed: string[] = []
  const reading = (async () => {
    for await (const { key } of backend.list(call())) listed.push(key.owner.subject)
  })()
  await expect(reading).rejects.toMatchObject({ code: 'record_tampered', reason: 'swapped' })
  expect(listed).toEqual(['bob'])
})

test('an operator may revoke a swapped record, and the owner may save again', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  await put(backend, BOB, { pat: 'of bob' })
  await copyFile(revisionPath(backend, BOB, 1), revisionPath(backend, ALICE, 1))
  expect(await remove(backend, ALICE)).toBe(true)
  expect(await backend.read(ALICE, call())).toMatchObject({ status: 'revoked' })
  await put(backend, ALICE, { pat: 'of alice again' })
  expect(await backend.read(ALICE, call())).toMatchObject({ values: { pat: 'of alice again' } })
  expect(await statusOfAll(backend)).toEqual(
    new Map([
      [ALICE.path, 'active'],
      [BOB.path, 'active'],
    ]),
  )
})
