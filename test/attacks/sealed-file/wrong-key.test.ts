import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText, keyId, parseKey } from '../../../src/core/crypto/key-text.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, refusesToOpen, sealedFolder, temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

test('a wrong key opens nothing, changes nothing, and is told apart by its id', async () => {
  const store = await sealedFolder()
  await put(await store.open(), ALICE, { pat: 'of alice' })
  const wrong = generateKeyText()
  const error = await refusesToOpen(store, { key: wrong }, { code: 'key_wrong', reason: 'keyring' })
  expect(error.message).toContain(`locked with key ${keyId(parseKey(store.key, 'test'))}`)
  expect(error.message).toContain(`the key option holds key ${keyId(parseKey(wrong, 'test'))}`)
  expect(error.message).toMatch(/Do not delete the store and do not create a new key/)
  expect(error.message).not.toContain(wrong)
  await expect(store.open()).resolves.toBeDefined()
})

test('a wrong key from a file names the file', async () => {
  const store = await sealedFolder()
  await store.open()
  const keyFile = join(await temporaryFolder(), 'key')
  await writeFile(keyFile, generateKeyText(), { mode: 0o600 })
  const backend = sealedFile({ folder: store.folder, keyFile })
  await expect(backend.open()).rejects.toThrow(`the keyFile option (${keyFile}) holds key`)
})

test('a mistyped key is told apart from a wrong one', async () => {
  const store = await sealedFolder()
  await store.open()
  for (const key of [store.key.slice(0, -1), `${store.key}x`, 'hunter2', store.key.replace('mcv1_', 'mcv2_')]) {
    const error = await refusesToOpen(store, { key }, { code: 'key_malformed' })
    expect(error.message).not.toContain(key)
  }
})
