import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { beforeEach, expect, test } from 'vitest'
import { parseBundle } from '../../../src/backends/sealed-file/keys/bundle.ts'
import type { KeyList, NamedKeyPair, StoreKeyring } from '../../../src/backends/sealed-file/keys/keyring.ts'
import { markKeysOf } from '../../../src/backends/sealed-file/keys/mark-keys.ts'
import { encodeRecord, type NewHeader } from '../../../src/backends/sealed-file/record.ts'
import { encodeMark } from '../../../src/backends/sealed-file/rejection-mark.ts'
import type { SecretBackend, StoredVersion } from '../../../src/core/ports/secret-backend.ts'
import { call, put, valuesOf } from '../../../src/testing/secret-backend/calls.ts'
import { bundleFile, openBundle } from '../../harness/sealed-file/bundles.ts'
import {
  ALICE,
  BOB,
  keyringOf,
  revisionPath,
  type SealedFolder,
  sealedFolder,
} from '../../harness/sealed-file/sealed-folder.ts'

// An attacker who has everything of a tool tier: its bundle, and the store's folder to write to.
let store: SealedFolder
let operator: SecretBackend
let form: SecretBackend
let own: StoreKeyring
let version: StoredVersion

beforeEach(async () => {
  store = await sealedFolder()
  operator = await store.open()
  form = await openBundle(store, await bundleFile(operator, 'form'))
  own = parseBundle(readFileSync(await bundleFile(operator, 'tool'), 'utf8'), 'test').keyring
  version = await put(operator, ALICE, { pat: 'the real one' })
})

const idIn = (path: string) => path.split('/').at(-1)?.slice(0, 40) ?? ''

/** Puts a record in place that is signed with these keys. */
async function plant(signKeys: KeyList<StoreKeyring['signKeys'][0]>, key = ALICE, revision = 2): Promise<void> {
  const path = revisionPath(operator, key, revision)
  const header: NewHeader = {
    id: idIn(path),
    revision,
    kind: 'active',
    version: 'forged',
    at: Date.now(),
    operation: 'forged',
  }
  const payload = { provider: key.provider, owner: key.owner, values: { pat: 'of the attacker' } }
  await writeFile(path, encodeRecord(header, payload, { ...own, signKeys }), { mode: 0o600 })
}

function markPair(): NamedKeyPair {
  const [newest] = markKeysOf(own)
  const { privateKey } = newest
  if (!privateKey) throw new Error('the tool tier has no key of marks')
  return { ...newest, privateKey }
}

/** Every process refuses it with this reason, and hands out nothing. */
async function isRefused(reason: string): Promise<void> {
  const tools = await openBundle(store, await bundleFile(operator, 'tool'))
  for (const each of [operator, await store.open(), tools])
    await expect(each.read(ALICE, call())).rejects.toMatchObject({ code: 'record_tampered', reason })
  await expect(form.stat(ALICE, call())).rejects.toMatchObject({ code: 'record_tampered', reason })
}

test('a value signed with the key of marks is refused, under its own name', async () => {
  await plant([markPair()])
  await isRefused('unknown_writer')
})

test('a value signed with the key of marks is refused, under the name of a signing key', async () => {
  await plant([{ ...markPair(), id: own.signKeys[0].id }])
  await isRefused('signature')
})

test('its bundle has no key that makes a record, and no text from which one follows', async () => {
  await expect(plant(own.signKeys)).rejects.toMatchObject({ code: 'forbidden' })
  const bundle = await readFile(await bundleFile(operator, 'tool'), 'utf8')
  const content = Buffer.from(bundle.slice(6), 'base64url').toString()
  const { signKeys } = await keyringOf(store)
  for (const { privateKey } of signKeys) {
    expect(content).not.toContain(Buffer.from(privateKey).toString('base64url'))
    expect(content).not.toContain(Buffer.from(privateKey).toString('base64url').slice(0, 43))
  }
  expect(content).not.toContain(store.key)
  expect(await valuesOf(operator, ALICE)).toEqual({ pat: 'the real one' })
})

test('a mark moved to another credential or version is ignored', async () => {
  const other = await put(operator, BOB, { pat: 'of bob' })
  const path = revisionPath(operator, ALICE, 1)
  await writeFile(`${path}.rejected`, encodeMark({ id: idIn(path), version: other.ref }, new Date(), own))
  expect(await operator.stat(ALICE, call())).not.toHaveProperty('labels')
  await writeFile(`${path}.rejected`, encodeMark({ id: idIn(path), version: version.ref }, new Date(), own))
  expect(await operator.stat(ALICE, call())).toHaveProperty('labels.rejectedAt')
})
