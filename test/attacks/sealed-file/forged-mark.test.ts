import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { beforeEach, expect, test } from 'vitest'
import { encodeMark } from '../../../src/backends/sealed-file/rejection-mark.ts'
import { signKeyPair } from '../../../src/core/crypto/sodium.ts'
import type { SecretBackend, StoredVersion } from '../../../src/core/ports/secret-backend.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import {
  ALICE,
  BOB,
  keyringOf,
  revisionPath,
  type SealedFolder,
  sealedFolder,
} from '../../harness/sealed-file/sealed-folder.ts'

const AT = new Date('2026-11-27T08:00:00Z')
let store: SealedFolder
let backend: SecretBackend
let version: StoredVersion
let path: string
let id: string

beforeEach(async () => {
  store = await sealedFolder()
  backend = await store.open()
  version = await put(backend, ALICE, { pat: 'in use' })
  path = `${revisionPath(backend, ALICE, 1)}.rejected`
  id = path.split('/').at(-1)?.slice(0, 40) ?? ''
})

/** The owner's credential works on in a running process and a new one, and can be replaced. */
async function isIgnored(warned = true): Promise<void> {
  for (const each of [backend, await store.open()]) {
    const found = await each.read(ALICE, call())
    expect(found).toMatchObject({ status: 'active', values: { pat: 'in use' } })
    expect(found).not.toHaveProperty('labels')
    expect(await each.stat(ALICE, call())).not.toHaveProperty('labels')
  }
  expect(store.warnings.some((text) => text.includes('.rejected is not a valid mark'))).toBe(warned)
  await put(backend, ALICE, { pat: 'replaced' })
  expect(await backend.read(ALICE, call())).toMatchObject({ values: { pat: 'replaced' } })
}

test('a mark signed with a key of the attacker is ignored', async () => {
  const keyring = await keyringOf(store)
  const [{ id: signKey }] = keyring.signKeys
  const forged = { ...keyring, signKeys: [{ id: signKey, createdAt: 1, ...signKeyPair() }] as const }
  await writeFile(path, encodeMark({ id, version: version.ref }, AT, forged))
  await isIgnored()
})

test.each(['', '\n\n\n', 'mcv-rejection-v1\n', 'x'.repeat(5000), '\0'.repeat(100)])('%j is ignored', async (text) => {
  await writeFile(path, text)
  await isIgnored()
})

test('a mark with one changed byte, or cut off anywhere, is ignored', async () => {
  await backend.markRejected?.(ALICE, version, AT, call())
  const whole = await readFile(path)
  const other = await store.open()
  expect(await other.stat(ALICE, call())).toMatchObject({ labels: { rejectedAt: AT } })
  for (let at = 0; at < whole.length; at += 7) {
    const changed = Buffer.from(whole)
    changed[at] = (changed[at] ?? 0) ^ 1
    await writeFile(path, at % 2 === 0 ? changed : whole.subarray(0, at))
    expect(await other.stat(ALICE, call())).not.toHaveProperty('labels')
  }
  await isIgnored()
})

test("another credential's mark is ignored", async () => {
  const bobs = await put(backend, BOB, { pat: 'dead' })
  await backend.markRejected?.(BOB, bobs, AT, call())
  await cp(`${revisionPath(backend, BOB, 1)}.rejected`, path)
  await isIgnored()
})

test("another store's mark is ignored, even under the same keys", async () => {
  const keyring = await keyringOf(store)
  await writeFile(path, encodeMark({ id, version: version.ref }, AT, { ...keyring, store: 'staging' }))
  await isIgnored()
})

test('the mark of an earlier version, kept and put back under the new number, is ignored', async () => {
  await backend.markRejected?.(ALICE, version, AT, call())
  const kept = await readFile(path)
  await put(backend, ALICE, { pat: 'in use' })
  await writeFile(`${revisionPath(backend, ALICE, 2)}.rejected`, kept)
  await isIgnored()
})

test('the mark of an earlier version, put back under its own number, does nothing', async () => {
  await backend.markRejected?.(ALICE, version, AT, call())
  const kept = await readFile(path)
  await put(backend, ALICE, { pat: 'in use' })
  await writeFile(path, kept)
  await isIgnored(false)
})

test('an erased mark costs its effect and nothing else', async () => {
  await backend.markRejected?.(ALICE, version, AT, call())
  await rm(path)
  await isIgnored(false)
  expect(await backend.markRejected?.(ALICE, version, AT, call())).toBe(false)
})
