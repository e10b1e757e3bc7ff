import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBackendCalls } from '../../../src/core/credentials/backend-calls.ts'
import { traceOf } from '../../../src/core/credentials/call-trace.ts'
import { lookUp } from '../../../src/core/credentials/status-of.ts'
import { generateKeyText, keyId, parseKey } from '../../../src/core/crypto/key-text.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { put, valuesOf } from '../../../src/testing/secret-backend/calls.ts'
import { type OpenBao, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { ALICE, refuses, sealedStore } from '../../harness/hashicorp-vault/sealed-store.ts'

let bao: OpenBao
beforeAll(async () => {
  bao = await startOpenBao()
})
afterAll(() => bao.stop())

const idOf = (text: string) => keyId(parseKey(text, 'test'))

test('an operator who configures another key: it says which one is missing, and no value is lost', async () => {
  const store = await sealedStore(bao)
  const before = await store.open()
  await put(before, ALICE, { pat: 'canary-of-alice' })
  const key = generateKeyText()
  const wrong = await store.open({ key })
  await refuses(wrong, ALICE, { code: 'key_wrong', reason: 'unknown_seal_key' })
  const said = await wrong.read(ALICE, { signal: AbortSignal.timeout(5000), correlationId: 'c' }).catch(String)
  expect(said).toContain(`sealed with key ${idOf(store.key)}, and this process has ${idOf(key)}`)
  expect(said).toContain('MCP_SEALED_ENVELOPE_KEY_ACCEPTED_FILE')
  expect(await valuesOf(await store.open({ key, acceptedKeys: [store.key] }), ALICE)).toEqual({
    pat: 'canary-of-alice',
  })
})

test('a changed key id names another key, and opens nothing with it', async () => {
  const store = await sealedStore(bao)
  const other = generateKeyText()
  const backend = await store.open({ acceptedKeys: [other] })
  await put(backend, ALICE, { pat: 'canary-of-alice' })
  const [[field, text] = ['', '']] = Object.entries(await store.held(ALICE))
  await store.administrator.put(ALICE, { [field]: text.replace(idOf(store.key), idOf(other)) })
  await refuses(backend, ALICE, { code: 'record_tampered', reason: 'swapped' })
})

test('a process that has lost the envelope neither releases the sealed text nor asks anybody again', async () => {
  const store = await sealedStore(bao)
  await put(await store.open(), ALICE, { pat: 'canary-of-alice' })
  const backend = await store.plain()
  const calls = createBackendCalls({ name: backend.name, health: createHealth(() => undefined) })
  await expect(lookUp({ backend, calls }, ALICE, traceOf({ correlationId: 'c' }))).rejects.toMatchObject({
    code: 'key_missing',
    reason: 'envelope_missing',
    message: expect.stringContaining('Set MCP_SEALED_ENVELOPE_KEY_FILE'),
  })
})
