import { chmod, mkdir, stat, writeFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, refusesToOpen, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

test('a folder that everyone may write to is refused', async () => {
  const store = await sealedFolder()
  await put(await store.open(), ALICE, { pat: 'of alice' })
  for (const mode of [0o702, 0o772, 0o777, 0o1777]) {
    await chmod(store.folder, mode)
    const error = await refusesToOpen(store, {}, { code: 'configuration_invalid', reason: 'folder_writable' })
    expect(error.message).toContain(`chmod 700 ${store.folder}`)
  }
})

test("a folder of the server's own that its group may write to is closed to it before anything is read", async () => {
  const store = await sealedFolder()
  await put(await store.open(), ALICE, { pat: 'of alice' })
  for (const mode of [0o770, 0o720, 0o775, 0o2770]) {
    await chmod(store.folder, mode)
    store.warnings.length = 0
    await store.open()
    expect((await stat(store.folder)).mode & 0o777).toBe(0o700)
    expect(store.warnings).toEqual([expect.stringContaining('its mode was set to 0700')])
  }
})

test('a folder of somebody else that its group may write to is refused, and left as it is', async () => {
  const store = await sealedFolder()
  await put(await store.open(), ALICE, { pat: 'of alice' })
  await chmod(store.folder, 0o770)
  const uid = vi.spyOn(process, 'getuid').mockReturnValue((process.getuid?.() ?? 0) + 1)
  const error = await refusesToOpen(store, {}, { code: 'configuration_invalid', reason: 'folder_writable' })
  uid.mockRestore()
  expect(error.message).toContain('name a folder inside it in MCP_VAULT_FOLDER')
  expect((await stat(store.folder)).mode & 0o777).toBe(0o770)
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
