import { execFileSync } from 'node:child_process'
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { call, put, remove } from '../../../src/testing/secret-backend/calls.ts'
import {
  ALICE,
  refuses,
  refusesToOpen,
  revisionPath,
  sealedFolder,
  temporaryFolder,
} from '../../harness/sealed-file/sealed-folder.ts'

test('a record that is a symbolic link is not followed', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  const path = revisionPath(backend, ALICE, 1)
  const elsewhere = join(await temporaryFolder(), 'moved')
  await rename(path, elsewhere)
  await symlink(elsewhere, path)
  await refuses(store, backend, ALICE, { code: 'record_tampered', reason: 'not_a_file' })
})

test('emptying old revisions never empties what a link points to', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  const victim = join(await temporaryFolder(), 'victim')
  await writeFile(victim, 'not ours')
  await put(backend, ALICE, { pat: 'one' })
  await rm(revisionPath(backend, ALICE, 1))
  await symlink(victim, revisionPath(backend, ALICE, 1))
  const restarted = await store.open()
  await remove(restarted, ALICE)
  expect(await readFile(victim, 'utf8')).toBe('not ours')
  expect(await restarted.read(ALICE, call())).toMatchObject({ status: 'revoked' })
})

test('a FIFO in the place of a record does not hang the reader', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  await rm(revisionPath(backend, ALICE, 1))
  execFileSync('mkfifo', [revisionPath(backend, ALICE, 1)])
  await expect(backend.read(ALICE, call())).rejects.toMatchObject({ code: 'record_tampered', reason: 'not_a_file' })
})

test('links in the place of the store’s own folders and keyring are refused', async () => {
  for (const name of ['records', 'tmp', 'keyring']) {
    const store = await sealedFolder()
    await put(await store.open(), ALICE, { pat: 'of alice' })
    const elsewhere = join(await temporaryFolder(), name)
    await rename(join(store.folder, name), elsewhere)
    await symlink(elsewhere, join(store.folder, name))
    const code = name === 'keyring' ? 'record_tampered' : 'configuration_invalid'
    await refusesToOpen(store, {}, { code })
  }
})

test('a link to the whole folder is the operator’s choice', async () => {
  const store = await sealedFolder()
  const target = join(await temporaryFolder(), 'volume')
  await mkdir(target, { mode: 0o700 })
  await symlink(target, store.folder)
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  expect(await backend.read(ALICE, call())).toMatchObject({ values: { pat: 'of alice' } })
})
