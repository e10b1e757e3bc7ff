import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { put } from '../../src/testing/secret-backend-calls.ts'
import { ALICE, refusesToOpen, sealedFolder } from '../support/sealed-folder.ts'

test('a folder that group or others may write to is refused', async () => {
  const store = await sealedFolder()
  await put(await store.open(), ALICE, { pat: 'of alice' })
  for (const mode of [0o770, 0o720, 0o702, 0o777]) {
    await chmod(store.folder, mode)
    const error = await refusesToOpen(store, {}, { code: 'configuration_invalid', reason: 'folder_writable' })
    expect(error.message).toContain(`chmod 700 ${store.folder}`)
  }
})

test('a folder that others may only read is used, with a warning', async () => {
  const store = await sealedFolder()
  await mkdir(store.folder, { mode: 0o755 })
  await store.open()
  expect(store.warnings).toEqual([expect.stringContaining('chmod 700')])
})

test('a file in the place of the folder is refused', async () => {
  const store = await sealedFolder()
  await writeFile(store.folder, 'not a folder')
  await expect(store.open()).rejects.toMatchObject({
    code: 'configuration_invalid',
    reason: 'folder_not_a_directory',
  })
})
