import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { sign } from '../../../src/core/crypto/sodium.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, BOB, keyringOf, refuses, revisionPath, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

test('parts of two good records do not make a third', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  await put(backend, BOB, { pat: 'of bob' })
  const path = revisionPath(backend, ALICE, 1)
  const mine = (await readFile(path, 'utf8')).split('\n')
  const other = (await readFile(revisionPath(backend, BOB, 1), 'utf8')).split('\n')
  for (const replaced of [[1], [2], [3], [1, 2], [2, 3]]) {
    const spliced = mine.map((line, index) => (replaced.includes(index) ? other[index] : line))
    await writeFile(path, spliced.join('\n'))
    await refuses(store, backend, ALICE, { code: 'record_tampered', reason: 'signature' })
  }
})

test('even under a good signature a box counts only with the header it was sealed for', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  await put(backend, BOB, { pat: 'of bob' })
  const path = revisionPath(backend, ALICE, 1)
  const [format, header] = (await readFile(path, 'utf8')).split('\n')
  const [, , box] = (await readFile(revisionPath(backend, BOB, 1), 'utf8')).split('\n')
  const signed = `${format}\n${header}\n${box}\n`
  const { signKeys } = await keyringOf(store)
  await writeFile(
    path,
    `${signed}${Buffer.from(sign(Buffer.from(signed), signKeys[0].privateKey)).toString('base64url')}\n`,
  )
  await expect(backend.read(ALICE, call())).rejects.toMatchObject({ code: 'record_tampered', reason: 'spliced' })
})
