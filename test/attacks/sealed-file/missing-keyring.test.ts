import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, refusesToOpen, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

test('records without their keyring are never given a new one', async () => {
  const store = await sealedFolder()
  await put(await store.open(), ALICE, { pat: 'of alice' })
  const keyring = join(store.folder, 'keyring')
  await rename(keyring, `${keyring}.lost`)
  const error = await refusesToOpen(store, {}, { code: 'key_missing', reason: 'keyring_missing' })
  expect(error.message).toContain('Restore the keyring from a backup')
  expect(
    (await refusesToOpen(store, { key: undefined }, { code: 'key_missing', reason: 'store_without_key' })).message,
  ).toMatch(/Do not create a new one/)
  await rename(`${keyring}.lost`, keyring)
  expect(await (await store.open()).read(ALICE, call())).toMatchObject({ values: { pat: 'of alice' } })
})

test('a damaged keyring is refused and left as it is', async () => {
  const store = await sealedFolder()
  await put(await store.open(), ALICE, { pat: 'of alice' })
  const path = join(store.folder, 'keyring')
  const { readFile } = await import('node:fs/promises')
  const whole = await readFile(path)
  for (const damaged of [Buffer.alloc(0), whole.subarray(0, -1), whole.subarray(0, 100), changedInside(whole)]) {
    await writeFile(path, damaged)
    await refusesToOpen(store, {}, { code: 'record_tampered', reason: 'keyring' })
  }
  await rm(path)
})

function changedInside(keyring: Buffer): Buffer {
  const changed = Buffer.from(keyring)
  const index = changed.length - 50
  changed[index] = changed[index] === 0x41 ? 0x42 : 0x41
  return changed
}
