import type { link } from 'node:fs/promises'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import { linkOnce } from '../../../src/backends/sealed-file/revisions.ts'
import { call, put, valuesOf } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, sealedFolder, temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

/** The answer of a network file system to a link(2) that succeeded. */
const server = vi.hoisted(() => ({ says: undefined as string | undefined }))

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<{ link: typeof link }>()
  return {
    ...real,
    async link(...parameters: Parameters<typeof link>) {
      await real.link(...parameters)
      if (server.says) throw Object.assign(new Error('the answer was lost'), { code: server.says })
    },
  }
})

beforeEach(() => {
  server.says = undefined
})

test.each(['EEXIST', 'EIO', 'ETIMEDOUT'])('a link that was made and answered with %s counts as made', async (errno) => {
  const store = await sealedFolder()
  const backend = await store.open()
  server.says = errno
  expect(await put(backend, ALICE, { pat: 'saved' })).toMatchObject({ label: '1' })
  expect(await valuesOf(backend, ALICE)).toEqual({ pat: 'saved' })
  expect(await backend.stat(ALICE, call())).toMatchObject({ version: { label: '1' } })
})

test('a name that is taken by another file, a link to ours or nothing that can be reached is not ours', async () => {
  const folder = await temporaryFolder()
  const ours = join(folder, 'ours')
  await writeFile(ours, 'ours')
  await writeFile(join(folder, 'other'), 'other')
  await symlink(ours, join(folder, 'symbolic'))
  await symlink('/nonexistent', join(folder, 'dangling'))
  for (const name of ['other', 'symbolic', 'dangling']) expect(await linkOnce(ours, join(folder, name))).toBe(false)
  // A second name, as backup tools give it, changes nothing.
  expect(await linkOnce(ours, join(folder, 'backup'))).toBe(true)
  for (const name of ['other', 'symbolic', 'dangling']) expect(await linkOnce(ours, join(folder, name))).toBe(false)
})
