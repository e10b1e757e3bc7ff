import { readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { generateKeyText, keyId, parseKey } from '../../../src/core/crypto/key-text.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, refusesToOpen, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('without a key nothing is made, least of all a key', async () => {
  const store = await sealedFolder()
  const error = await refusesToOpen(store, { key: undefined }, { code: 'key_missing', reason: 'no_key' })
  expect(error.message).toContain('mcp-credential-vault keygen')
  expect(error.message).toContain('MCP_VAULT_KEY_FILE')
  expect(await readdir(dirname(store.folder))).toEqual([])
})

test('a store with records and without its key says which key it needs and not to make a new one', async () => {
  const store = await sealedFolder()
  await put(await store.open(), ALICE, { pat: 'of alice' })
  const error = await refusesToOpen(store, { key: undefined }, { code: 'key_missing', reason: 'store_without_key' })
  expect(error.message).toContain(`only key ${keyId(parseKey(store.key, 'test'))} opens`)
  expect(error.message).toContain('Do not create a new one')
  expect(error.message).not.toContain('keygen')
})

test('the key comes from MCP_VAULT_KEY when none is given, read when the store opens', async () => {
  const store = await sealedFolder()
  await put(await store.open(), ALICE, { pat: 'of alice' })
  vi.stubEnv('MCP_VAULT_KEY', store.key)
  const backend = await store.open({ key: undefined })
  expect(await backend.read(ALICE, call())).toMatchObject({ values: { pat: 'of alice' } })
  vi.stubEnv('MCP_VAULT_KEY', generateKeyText())
  const error = await refusesToOpen(store, { key: undefined }, { code: 'key_wrong' })
  expect(error.message).toContain('MCP_VAULT_KEY holds key')
})
