import { readFile, rm, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { sealBox } from '../../../src/core/crypto/sodium.ts'
import { call, put, remove } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, keyringOf, refuses, revisionPath, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

test('a box that anybody can seal to the public key is refused without its writer’s signature', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  const { sealKeys } = await keyringOf(store)
  const path = revisionPath(backend, ALICE, 1)
  const lines = (await readFile(path, 'utf8')).split('\n')
  const planted = sealBox(Buffer.from('{"values":{"pat":"of the attacker"}}'), sealKeys[0].publicKey)
  lines[2] = Buffer.from(planted).toString('base64url')
  await writeFile(path, lines.join('\n'))
  await refuses(store, backend, ALICE, { code: 'record_tampered', reason: 'signature' })
})

test('any file planted as the newest revision stops the credential and never makes an earlier one count', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  await writeFile(revisionPath(backend, ALICE, 999), 'not a record\n')
  await refuses(store, backend, ALICE, { code: 'record_tampered', reason: 'format' })
  await writeFile(revisionPath(backend, ALICE, 1000), Buffer.alloc(100_000, 'x'))
  await refuses(store, backend, ALICE, { code: 'record_tampered', reason: 'not_a_file' })
})

test('a file planted at the last number is named to the operator, and nothing pretends to be above it', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  const planted = revisionPath(backend, ALICE, 999_999_999_999)
  await writeFile(planted, 'not a record\n')
  await expect(remove(backend, ALICE)).rejects.toMatchObject({ code: 'record_tampered', reason: 'numbering' })
  await rm(planted)
  expect(await remove(backend, ALICE)).toBe(true)
})

test('files with other names are not records', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  const path = revisionPath(backend, ALICE, 1)
  for (const suffix of ['0', '01', '1.bak', '9999999999999999', '-3', '2e9']) {
    await writeFile(path.replace(/1$/, suffix), 'noise')
  }
  expect(await backend.read(ALICE, call())).toMatchObject({ values: { pat: 'of alice' } })
})
