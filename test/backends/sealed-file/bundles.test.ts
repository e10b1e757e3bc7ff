import { chmod, cp, readFile, rm, writeFile } from 'node:fs/promises'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { call, put, remove, statusOfAll, valuesOf } from '../../../src/testing/secret-backend/calls.ts'
import { bundleFile, openBundle } from '../../harness/sealed-file/bundles.ts'
import {
  ALICE,
  BOB,
  keyringOf,
  type SealedFolder,
  sealedFolder,
  snapshot,
} from '../../harness/sealed-file/sealed-folder.ts'
import { lettingKeysAge } from '../../harness/sealed-file/store-keys.ts'

const AT = new Date('2026-11-27T08:00:00Z')
const never = new AbortController().signal
const OTHER_TIER = { code: 'forbidden', reason: 'other_tier' }

let store: SealedFolder
let operator: SecretBackend
let form: SecretBackend
let tools: SecretBackend
let formFile: string
let toolFile: string

beforeEach(async () => {
  store = await sealedFolder()
  operator = await store.open()
  formFile = await bundleFile(operator, 'form')
  toolFile = await bundleFile(operator, 'tool')
  form = await openBundle(store, formFile)
  tools = await openBundle(store, toolFile)
})

const reseal = () => operator.storeKeys?.reseal({ dryRun: false, onProgress: () => {} }, never)

test('what the writer saves, the reader and the operator read', async () => {
  const first = await put(form, ALICE, { pat: 'one' })
  expect(await valuesOf(tools, ALICE)).toEqual({ pat: 'one' })
  const second = await put(form, ALICE, { pat: 'two' }, { expect: { version: first.ref } })
  expect(await valuesOf(tools, ALICE)).toEqual({ pat: 'two' })
  expect(await valuesOf(operator, ALICE)).toEqual({ pat: 'two' })
  await expect(put(form, ALICE, { pat: 'x' }, { expect: { version: first.ref } })).rejects.toMatchObject({
    code: 'conflict',
  })
  expect(await form.stat(ALICE, call())).toEqual({ status: 'active', version: second })
  expect(await tools.stat(ALICE, call())).toMatchObject({ status: 'active', fields: ['pat'] })
  expect(await remove(form, ALICE)).toBe(true)
  expect(await tools.read(ALICE, call())).toMatchObject({ status: 'revoked' })
  expect(await form.stat(BOB, call())).toEqual({ status: 'absent' })
})

test('the writer reads and lists nothing, not even where nothing is stored', async () => {
  await put(operator, ALICE, { pat: 'one' })
  for (const key of [ALICE, BOB]) await expect(form.read(key, call())).rejects.toMatchObject(OTHER_TIER)
  await expect(statusOfAll(form)).rejects.toMatchObject(OTHER_TIER)
  expect([form.deriveKey, form.storeKeys]).toEqual([undefined, undefined])
})

test('each bundle has the private keys of its half, and no other', async () => {
  await operator.storeKeys?.rotate(never)
  const keyring = await keyringOf(store)
  const content = async (tier: 'form' | 'tool') =>
    Buffer.from((await readFile(await bundleFile(operator, tier), 'utf8')).slice(6), 'base64url').toString()
  const [ofForm, ofTools] = [await content('form'), await content('tool')]
  const has = (text: string, keys: readonly { readonly privateKey: Uint8Array }[]) =>
    keys.map(({ privateKey }) => text.includes(Buffer.from(privateKey).toString('base64url')))
  expect([has(ofForm, keyring.sealKeys), has(ofForm, keyring.signKeys)]).toEqual([
    [false, false],
    [true, false],
  ])
  expect([has(ofTools, keyring.sealKeys), has(ofTools, keyring.signKeys)]).toEqual([
    [true, true],
    [false, false],
  ])
})

test('the reader saves and revokes nothing, and no file is touched', async () => {
  await put(operator, ALICE, { pat: 'one' })
  const before = await snapshot(store.folder)
  await expect(put(tools, ALICE, { pat: 'x' })).rejects.toMatchObject(OTHER_TIER)
  await expect(put(tools, BOB, { pat: 'x' })).rejects.toMatchObject(OTHER_TIER)
  await expect(remove(tools, ALICE)).rejects.toMatchObject(OTHER_TIER)
  await expect(remove(tools, ALICE, { purge: true })).rejects.toMatchObject(OTHER_TIER)
  expect(await snapshot(store.folder)).toEqual(before)
  expect([tools.deriveKey, tools.storeKeys]).toEqual([undefined, undefined])
})

test('the reader marks a rejected version, the writer sees it and takes it back', async () => {
  const version = await put(form, ALICE, { pat: 'refused' })
  expect(await tools.markRejected?.(ALICE, version, AT, call())).toBe(true)
  for (const each of [form, operator])
    expect(await each.stat(ALICE, call())).toMatchObject({ status: 'active', labels: { rejectedAt: AT } })
  expect(tools.isCurrent?.(ALICE, version)).toBe(false)
  expect(await form.markRejected?.(ALICE, version, undefined, call())).toBe(true)
  for (const each of [form, tools, operator])
    expect((await each.stat(ALICE, call())) as object).not.toHaveProperty('labels.rejectedAt')
  expect(store.warnings).toEqual([])
})

describe('when the keys change', () => {
  test('neither tier uses an outdated bundle for new records, and a new file needs no restart', async () => {
    await put(form, ALICE, { pat: 'one' })
    await operator.storeKeys?.rotate(never)
    const outdated = { code: 'key_wrong', reason: 'bundle_outdated' }
    await expect(put(form, ALICE, { pat: 'two' })).rejects.toMatchObject(outdated)
    expect(await valuesOf(tools, ALICE)).toEqual({ pat: 'one' })
    await put(operator, BOB, { pat: 'new key' })
    await expect(tools.read(BOB, call())).rejects.toMatchObject(outdated)
    await bundleFile(operator, 'tool', toolFile)
    expect(await valuesOf(tools, BOB)).toEqual({ pat: 'new key' })
    await bundleFile(operator, 'form', formFile)
    await put(form, ALICE, { pat: 'two' })
    expect(await valuesOf(tools, ALICE)).toEqual({ pat: 'two' })
    expect(store.warnings.some((text) => text.includes('keys export-writer'))).toBe(true)
  })

  test('records and marks of earlier keys stay good, until those are retired', async () => {
    const version = await put(form, ALICE, { pat: 'one' })
    await tools.markRejected?.(ALICE, version, AT, call())
    await operator.storeKeys?.rotate(never)
    await bundleFile(operator, 'form', formFile)
    await bundleFile(operator, 'tool', toolFile)
    for (const each of [form, tools])
      expect(await each.stat(ALICE, call())).toMatchObject({ labels: { rejectedAt: AT } })
    await reseal()
    await lettingKeysAge(store)
    await operator.storeKeys?.retire({ dryRun: false }, never)
    for (const each of [form, tools, await openBundle(store, await bundleFile(await store.open(), 'tool'))])
      expect(await each.stat(ALICE, call())).toMatchObject({ status: 'active', labels: { rejectedAt: AT } })
  })

  test('an older bundle, one of the other tier and one of another store are ignored in place of the right one', async () => {
    const older = await readFile(formFile)
    await operator.storeKeys?.rotate(never)
    await bundleFile(operator, 'form', formFile)
    await put(form, ALICE, { pat: 'one' })
    const another = await (await sealedFolder()).open()
    const wrong = [older, await readFile(toolFile), await readFile(await bundleFile(another, 'form')), Buffer.from('x')]
    for (const bytes of wrong) {
      await writeFile(formFile, bytes)
      await put(form, ALICE, { pat: 'still' })
    }
    expect(store.warnings).toHaveLength(wrong.length)
    expect(await valuesOf(operator, ALICE)).toEqual({ pat: 'still' })
  })
})

describe('an operator who mistypes', () => {
  const opening = (path: string, folder = store.folder, more = {}) => {
    const backend = sealedFile({ folder, bundleFile: path, warn: () => {}, ...more })
    onTestFinished(() => backend.close())
    return backend.open()
  }

  test('is told of a store key beside the bundle, as an option or in the environment', async () => {
    const beside = { code: 'configuration_invalid', reason: 'two_keys' }
    await expect(opening(formFile, store.folder, { key: store.key })).rejects.toMatchObject(beside)
    onTestFinished(() => void vi.unstubAllEnvs())
    vi.stubEnv('MCP_VAULT_KEY', generateKeyText())
    await expect(opening(toolFile)).rejects.toMatchObject(beside)
  })

  test('is told of a key in place of a bundle, and never shown it', async () => {
    const file = `${formFile}.key`
    await writeFile(file, store.key, { mode: 0o600 })
    const error = await opening(file).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'key_malformed', message: expect.stringContaining('such as the store key') })
    expect(String(error)).not.toContain(store.key)
  })

  test('is told of a bundle in place of a key', async () => {
    const text = (await readFile(formFile, 'utf8')).trim()
    await expect(sealedFile({ folder: store.folder, key: text }).open()).rejects.toMatchObject({
      code: 'key_malformed',
    })
  })

  test.each(['cut', 'changed', 'empty'])('is told of a bundle that was %s', async (how) => {
    const text = (await readFile(formFile, 'utf8')).trim()
    const middle = text.length / 2
    const texts = { cut: text.slice(0, -20), changed: `${text.slice(0, middle)}A${text.slice(middle + 1)}`, empty: '' }
    await writeFile(formFile, texts[how as keyof typeof texts])
    await expect(opening(formFile)).rejects.toMatchObject({ code: 'key_malformed', reason: 'key_text' })
  })

  test('is told of a file that others may read, of another store, and of a folder without one', async () => {
    await chmod(formFile, 0o644)
    await expect(opening(formFile)).rejects.toMatchObject({ code: 'key_exposed' })
    const another = await sealedFolder()
    const theirs = await bundleFile(await another.open(), 'form')
    await expect(opening(theirs)).rejects.toMatchObject({ code: 'configuration_invalid', reason: 'bundle_store' })
    const empty = `${store.folder}-empty`
    await expect(opening(theirs, empty)).rejects.toMatchObject({ reason: 'no_store' })
    await cp(store.folder, empty, { recursive: true })
    await rm(`${empty}/keyring`)
    await expect(opening(theirs, empty)).rejects.toMatchObject({ reason: 'no_store' })
  })
})
