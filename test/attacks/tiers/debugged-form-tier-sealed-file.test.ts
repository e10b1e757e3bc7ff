import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { parseBundle } from '../../../src/backends/sealed-file/keys/bundle.ts'
import { type Keyring, type StoreKeyring, unlockKeyring } from '../../../src/backends/sealed-file/keys/keyring.ts'
import { openRecord, verifyRecord } from '../../../src/backends/sealed-file/record.ts'
import { deriveKey } from '../../../src/core/crypto/derive-key.ts'
import { generateKeyText, type MasterKey, parseKey } from '../../../src/core/crypto/key-text.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { put, valuesOf } from '../../../src/testing/secret-backend/calls.ts'
import { debuggedTier, formsOf, formsOfKey, LOCAL_USER } from '../../harness/processes/debugged-tier.ts'
import { bundleFile, openBundle } from '../../harness/sealed-file/bundles.ts'
import { keyringOf, revisionPath, type SealedFolder, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

const SECRET = 'pat-of-alice-that-no-form-tier-has-seen'
const ALICE = storageKey('jira', { issuer: 'local-user', subject: LOCAL_USER })
const WEB_KEY = generateKeyText()
const AUDIT_KEY = generateKeyText()

let store: SealedFolder
let operator: SecretBackend
let keyring: Keyring

beforeEach(async () => {
  store = await sealedFolder()
  operator = await store.open()
  await put(operator, ALICE, { pat: SECRET })
  keyring = await keyringOf(store)
})

/** What only a process that may read has. */
function forbidden() {
  return {
    secret: formsOf(SECRET),
    'store key': [...formsOf(store.key), ...formsOfKey(parseKey(store.key, 'test'))],
    'private seal key': keyring.sealKeys.flatMap(({ privateKey }) => formsOfKey(privateKey)),
  }
}

const both = () => ({ MCP_VAULT_FOLDER: store.folder, MCP_WEB_KEY: WEB_KEY, MCP_AUDIT_KEY: AUDIT_KEY })

test('its memory holds no stored value and no key that opens one, whatever pages it serves', async () => {
  const form = await debuggedTier('form', { ...both(), MCP_VAULT_BUNDLE_FILE: await bundleFile(operator, 'form') })
  expect(await form.openPage()).toContain('Replace Jira')
  const own = { 'its own signing key': formsOfKey(keyring.signKeys[0].privateKey), 'its web key': formsOf(WEB_KEY) }
  expect(await form.found({ ...forbidden(), ...own })).toEqual(['its own signing key', 'its web key'])
})

test('the same search finds all of it in a process that is both tiers', async () => {
  const all = await debuggedTier('all', { ...both(), MCP_VAULT_KEY: store.key })
  expect(await all.openPage()).toContain('Replace Jira')
  expect(await all.found(forbidden())).toEqual(['private seal key', 'secret', 'store key'])
})

test('code that the attacker runs in it is refused, and finds no variable or file that opens the store', async () => {
  const path = await bundleFile(operator, 'form')
  const form = await debuggedTier('form', { ...both(), MCP_VAULT_BUNDLE_FILE: path })
  const environment = (await form.evaluate('process.env')) as Record<string, string>
  expect(Object.values(environment).join('\n')).not.toContain(store.key)
  const bundle = String(
    await form.evaluate(`require('node:fs').readFileSync(process.env.MCP_VAULT_BUNDLE_FILE, 'utf8')`),
  )
  const own = await openBundle(store, path)
  const call = { signal: AbortSignal.timeout(10_000), correlationId: 'attack' }
  await expect(own.read(ALICE, call)).rejects.toMatchObject({ code: 'forbidden' })
  expect(await own.stat(ALICE, call)).not.toHaveProperty('fields')
  const keys = candidatesIn(parseBundle(bundle, 'test').keyring)
  expect(keys.length).toBeGreaterThan(6)
  const opened = keys.filter((key) => opens(key, parseBundle(bundle, 'test').keyring))
  expect(opened).toEqual([])
  // The same attempt with the right key succeeds.
  expect(opens(keyring.sealKeys[0].privateKey, keyring)).toBe(true)
})

test('every private key that it has is another than that of every box, in every record and revision', async () => {
  await put(operator, ALICE, { pat: 'a later one' })
  const { keyring: own } = parseBundle(readFileSync(await bundleFile(operator, 'form'), 'utf8'), 'test')
  const paths = readdirSync(join(store.folder, 'records'), { recursive: true, encoding: 'utf8' })
  expect(paths.filter((path) => /\.\d+$/.test(path))).toHaveLength(2)
  for (const revision of [1, 2]) for (const key of candidatesIn(own)) expect(opens(key, own, revision)).toBe(false)
  expect(await valuesOf(operator, ALICE)).toEqual({ pat: 'a later one' })
})

/** Every 32 bytes that the process has, and what follows from them. */
function candidatesIn(own: StoreKeyring): readonly Uint8Array[] {
  const pairs = [...own.sealKeys, ...own.signKeys, ...(own.markKeys ?? [])]
  const bytes = pairs.flatMap(({ publicKey, privateKey }) => [publicKey, ...(privateKey ? halves(privateKey) : [])])
  const whole = [...bytes, own.indexKey, parseKey(WEB_KEY, 'test'), parseKey(AUDIT_KEY, 'test')]
  const labels = ['store mark key', 'store keyring lock', 'derived web', 'derived audit']
  return [...whole, ...whole.flatMap((key) => labels.map((label) => deriveKey(key, label)))]
}

function halves(key: Uint8Array): readonly Uint8Array[] {
  return [key.subarray(0, 32), key.subarray(32)].filter(({ length }) => length === 32)
}

/** Whether this key opens the record's box, or the keyring that would. */
function opens(key: Uint8Array, own: StoreKeyring, revision = 1): boolean {
  const path = revisionPath(operator, ALICE, revision)
  const id = path.split('/').at(-1)?.slice(0, 40) ?? ''
  const record = verifyRecord(readFileSync(path), { id, revision, path }, own)
  const [newest, ...older] = own.sealKeys.map((one) => ({ ...one, privateKey: key }))
  const isOpened = (work: () => unknown) => {
    try {
      work()
      return true
    } catch {
      return false
    }
  }
  const locked = join(store.folder, 'keyring')
  return (
    isOpened(() => newest && openRecord(record, { ...own, sealKeys: [newest, ...older] })) ||
    isOpened(() => unlockKeyring(readFileSync(locked), { key: key as MasterKey, source: 'attack' }, locked))
  )
}
