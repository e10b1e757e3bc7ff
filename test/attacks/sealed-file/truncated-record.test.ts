import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, refuses, revisionPath, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

test('a record cut anywhere is refused, and the earlier revision does not step in', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'earlier' })
  await put(backend, ALICE, { pat: 'current' })
  const path = revisionPath(backend, ALICE, 2)
  const whole = await readFile(path)
  for (let length = 1; length < whole.length; length += 7) {
    await writeFile(path, whole.subarray(0, length))
    await expect(backend.read(ALICE, call())).rejects.toMatchObject({ code: 'record_tampered', reason: 'truncated' })
  }
  await writeFile(path, whole.subarray(0, whole.length - 1))
  await refuses(store, await store.open(), ALICE, { code: 'record_tampered', reason: 'truncated' })
  await writeFile(path, whole)
  expect(await backend.read(ALICE, call())).toMatchObject({ values: { pat: 'current' } })
})

test('an emptied newest revision reads as revoked, before and after a restart', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'earlier' })
  await put(backend, ALICE, { pat: 'current' })
  await writeFile(revisionPath(backend, ALICE, 2), '')
  for (const each of [backend, await store.open()]) {
    expect(await each.read(ALICE, call())).toMatchObject({ status: 'revoked', version: { label: '2' } })
    expect(await each.stat(ALICE, call())).toMatchObject({ status: 'revoked' })
  }
  await put(backend, ALICE, { pat: 'entered again' }, { expect: 'absent' })
  expect(await backend.read(ALICE, call())).toMatchObject({ values: { pat: 'entered again' } })
})
