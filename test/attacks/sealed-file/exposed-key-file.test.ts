import { chmod, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { sealedFolder, temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

test('a key file that other users may read is refused before anything is made', async () => {
  const store = await sealedFolder()
  const keyFile = join(await temporaryFolder(), 'key')
  await writeFile(keyFile, store.key)
  const backend = sealedFile({ folder: store.folder, keyFile })
  for (const mode of [0o604, 0o640, 0o660, 0o666]) {
    await chmod(keyFile, mode)
    await expect(backend.open()).rejects.toMatchObject({
      code: 'key_exposed',
      message: expect.stringContaining(`chmod 600 ${keyFile}`),
    })
  }
  expect(await readdir(dirname(store.folder))).toEqual([])
  await chmod(keyFile, 0o400)
  await expect(backend.open()).resolves.toBeUndefined()
})
