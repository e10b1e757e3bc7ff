import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'vitest'
import { createKeyring, type Keyring, lockKeyring } from '../../../src/backends/sealed-file/keys/keyring.ts'
import { encodeRecord } from '../../../src/backends/sealed-file/record.ts'
import { parseKey } from '../../../src/core/crypto/key-text.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import {
  ALICE,
  keyringOf,
  refuses,
  refusesToOpen,
  revisionPath,
  type SealedFolder,
  sealedFolder,
} from '../../harness/sealed-file/sealed-folder.ts'

test('a record signed by a writer that the store does not know is refused', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  const real = await keyringOf(store)
  const attacker: Keyring = { ...createKeyring(), store: real.store, sealKeys: real.sealKeys }
  await plant(store, revisionPath(backend, ALICE, 2), attacker)
  await refuses(store, backend, ALICE, { code: 'record_tampered', reason: 'unknown_writer' })
})

test('a stranger’s signature under a known writer’s name is refused', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  const real = await keyringOf(store)
  const stranger = { ...createKeyring().signKeys[0], id: real.signKeys[0].id }
  await plant(store, revisionPath(backend, ALICE, 2), { ...real, signKeys: [stranger] })
  await refuses(store, backend, ALICE, { code: 'record_tampered', reason: 'signature' })
})

test('a record of another store is refused, even when both have the same keys', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'of alice' })
  await plant(store, revisionPath(backend, ALICE, 2), { ...(await keyringOf(store)), store: 'staging' })
  await refuses(store, backend, ALICE, { code: 'record_tampered', reason: 'store' })
})

test('a keyring that a stranger put in place is refused', async () => {
  const store = await sealedFolder()
  await put(await store.open(), ALICE, { pat: 'of alice' })
  const strangersKey = parseKey((await sealedFolder()).key, 'test')
  await writeFile(join(store.folder, 'keyring'), lockKeyring(createKeyring(), strangersKey))
  await refusesToOpen(store, {}, { code: 'key_wrong' })
})

async function plant(store: SealedFolder, path: string, keyring: Keyring): Promise<void> {
  const backend = await store.open()
  const id = /([0-9a-f]{40})\.\*$/.exec(backend.locate(ALICE))?.[1] ?? ''
  const header = { id, revision: 2, kind: 'active', version: 'v', at: 0, operation: 'o' } as const
  const payload = { provider: 'jira', owner: ALICE.owner, values: { pat: 'of the attacker' } }
  await writeFile(path, encodeRecord(header, payload, keyring))
}
