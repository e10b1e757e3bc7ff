import { expect, test } from 'vitest'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { sealedEnvelope } from '../../../src/backends/sealed-envelope/sealed-envelope.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'

const ALICE = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
const OLD = generateKeyText()
const NEW = generateKeyText()

/** A reseal in which something happens just before the record is written. */
async function resealWith(rejectedAt: Date | undefined, meanwhile: (store: SecretBackend) => Promise<void>) {
  const inner = memoryBackend()
  const kept: SecretBackend = { ...inner, close: async () => undefined }
  const old = sealedEnvelope(kept, { key: OLD, warn: () => undefined })
  await old.open()
  const version = await put(old, ALICE, { pat: 'tok-of-alice' })
  if (rejectedAt) await old.markRejected?.(ALICE, version, rejectedAt, call())
  const racing: SecretBackend = {
    ...kept,
    async write(...given) {
      await meanwhile(old)
      return kept.write(...given)
    },
  }
  const next = sealedEnvelope(racing, { key: NEW, acceptedKeys: [OLD], warn: () => undefined })
  await next.open()
  const report = await next.resealing?.reseal(
    { dryRun: false, onProgress: () => undefined },
    AbortSignal.timeout(20_000),
  )
  expect(report).toMatchObject({ resealed: 1 })
  const status = await next.stat(ALICE, call())
  return status.status === 'active' ? status.labels?.rejectedAt : expect.fail('it is not active')
}

test('a rejection that its owner undoes during a reseal stays undone', async () => {
  const undo = async (store: SecretBackend) => {
    const status = await store.stat(ALICE, call())
    if (status.status === 'active')
      expect(await store.markRejected?.(ALICE, status.version, undefined, call())).toBe(true)
  }
  expect(await resealWith(new Date(), undo)).toBeUndefined()
})

test('a rejection that is marked during a reseal stays marked', async () => {
  const reject = async (store: SecretBackend) => {
    const status = await store.stat(ALICE, call())
    if (status.status === 'active')
      expect(await store.markRejected?.(ALICE, status.version, new Date(), call())).toBe(true)
  }
  expect(await resealWith(undefined, reject)).toBeInstanceOf(Date)
})
