import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { versionLabelsOf } from '../../src/backends/hashicorp-vault/labels.ts'
import { call, put } from '../../src/testing/secret-backend/calls.ts'
import { ALICE, BOB, revisionPath, sealedFolder, snapshot } from '../harness/sealed-file/sealed-folder.ts'

/** Stands for a newer release, whose format has another name. */
async function asIfNewer(path: string, format: string): Promise<void> {
  const text = await readFile(path, 'latin1')
  expect(text.startsWith(`${format}-v1\n`)).toBe(true)
  await writeFile(path, text.replace(`${format}-v1\n`, `${format}-v2\n`), 'latin1')
}

test("a newer release's record is refused and never overwritten, and the others stay readable", async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  for (const key of [ALICE, BOB]) await put(backend, key, { pat: 'a-token-of-this-release' })
  await asIfNewer(revisionPath(backend, ALICE, 1), 'mcv-record')
  const before = await snapshot(store.folder)
  const rolledBack = await store.open()
  const refusal = { code: 'record_tampered', reason: 'format' }
  await expect(rolledBack.read(ALICE, call())).rejects.toMatchObject(refusal)
  await expect(put(rolledBack, ALICE, { pat: 'another-token' })).rejects.toMatchObject(refusal)
  expect(await rolledBack.read(BOB, call())).toMatchObject({ status: 'active' })
  expect(await snapshot(store.folder)).toEqual(before)
})

test("a newer release's keyring is refused, and nothing in the store changes", async () => {
  const store = await sealedFolder()
  await put(await store.open(), ALICE, { pat: 'a-token-of-this-release' })
  await asIfNewer(join(store.folder, 'keyring'), 'mcv-keyring')
  const before = await snapshot(store.folder)
  await expect(store.open()).rejects.toMatchObject({ code: expect.stringMatching(/^(?:keyring|key|record|store)_/) })
  expect(await snapshot(store.folder)).toEqual(before)
})

test('unknown labels of a newer release are ignored', () => {
  const known = { 'mcp-version': '1', 'mcp-account': 'alice-ci' }
  const read = versionLabelsOf({ ...known, 'mcp-of-a-newer-release': '1' }, 1)
  expect(read).toEqual({ accountName: 'alice-ci' })
})
