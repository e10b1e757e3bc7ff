import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { awsSecretsManagerBackend } from '../../../src/backends/aws-secrets-manager/aws-secrets-manager.ts'
import { vaultBackend } from '../../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { type SealedEnvelopeOptions, sealedEnvelope } from '../../../src/backends/sealed-envelope/sealed-envelope.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../../src/core/model/errors.ts'
import { type StorageKey, storageKey } from '../../../src/core/model/storage-key.ts'
import { SEALED_FIELD } from '../../../src/core/model/stored-values.ts'
import type { SecretBackend, VersionLabels } from '../../../src/core/ports/secret-backend.ts'
import type { ResealProgress, ResealReport } from '../../../src/core/ports/store-keys.ts'
import { call, put, remove, valuesOf } from '../../../src/testing/secret-backend/calls.ts'
import { type AwsEmulator, REGION, ROOT_KEYS, startAwsEmulator } from '../../harness/aws/aws-emulator.ts'
import { type AwsProxy, startAwsProxy } from '../../harness/aws/aws-proxy.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { startVaultProxy, type VaultProxy } from '../../harness/hashicorp-vault/vault-proxy.ts'

const OLD = generateKeyText()
const NEW = generateKeyText()
const BOTH = { key: NEW, acceptedKeys: [OLD] }
const warn = () => undefined
const of = (subject: string): StorageKey => storageKey('jira', { issuer: 'https://login.example.com', subject })
const [ALICE, BOB, CAROL, DAVE] = [of('alice'), of('bob'), of('carol'), of('dave')]
const LABELS = {
  expiresAt: new Date('2031-01-31T12:00:00Z'),
  accountName: 'Zoë <zoe@example.com>',
  unverified: true,
} as const

async function opened(backend: SecretBackend): Promise<SecretBackend> {
  await backend.open()
  onTestFinished(() => backend.close())
  return backend
}

async function reseal(
  backend: SecretBackend,
  { dryRun = false, signal = new AbortController().signal, onProgress = (_: ResealProgress): void => undefined } = {},
): Promise<ResealReport> {
  return backend.resealing?.reseal({ dryRun, onProgress }, signal) ?? expect.fail('it seals nothing')
}

async function labelsOf(backend: SecretBackend, key: StorageKey): Promise<VersionLabels | undefined> {
  const status = await backend.stat(key, call())
  return status.status === 'active' ? status.labels : undefined
}

async function auditOf(backend: SecretBackend, key: StorageKey): Promise<unknown> {
  for await (const stored of backend.list(call())) if (stored.key.path === key.path) return stored.audit
  return undefined
}

const servers: { bao?: OpenBao; vault?: VaultProxy; moto?: AwsProxy; ministack?: AwsProxy } = {}
const emulators: AwsEmulator[] = []
beforeAll(async () => {
  servers.bao = await startOpenBao()
  servers.vault = await startVaultProxy(servers.bao.address)
  for (const kind of ['moto', 'ministack'] as const) {
    const emulator = await startAwsEmulator(kind)
    emulators.push(emulator)
    servers[kind] = await startAwsProxy(emulator)
  }
})
afterAll(async () => {
  await Promise.all([servers.vault?.close(), servers.moto?.close(), servers.ministack?.close()])
  await servers.bao?.stop()
  await Promise.all(emulators.map((emulator) => emulator.stop()))
})

/** Makes an empty place in the store, and connections to it. */
async function newPlace(kind: 'OpenBao' | 'moto' | 'ministack'): Promise<() => SecretBackend> {
  if (kind === 'OpenBao') {
    const { bao, vault } = servers
    const mount = (await bao?.newMount()) ?? ''
    return () =>
      vaultBackend({ address: vault?.endpoint ?? '', auth: { method: 'token', token: ROOT_TOKEN }, mount, warn })
  }
  const endpoint = servers[kind]?.endpoint ?? ''
  const prefix = `mcp-${randomUUID().slice(0, 8)}`
  return () => awsSecretsManagerBackend({ region: REGION, endpoint, credentials: async () => ROOT_KEYS, prefix, warn })
}

describe.each(['OpenBao', 'moto', 'ministack'] as const)('over %s', (kind) => {
  let inner: () => SecretBackend
  const envelope = (options: SealedEnvelopeOptions) => opened(sealedEnvelope(inner(), { warn, ...options }))

  test('every value is under the new key, with its labels, its mark and its audit line; running it again does nothing', async () => {
    inner = await newPlace(kind)
    const old = await envelope({ key: OLD })
    await put(old, ALICE, { pat: 'of alice', site: 'https://a.example.com' }, { audit: { writer: 'w', seq: 7 } })
    const version = await put(old, BOB, { pat: 'of bob' }, { labels: LABELS })
    const rejectedAt = new Date('2026-11-27T16:55:00Z')
    expect(await old.markRejected?.(BOB, version, rejectedAt, call())).toBe(true)
    await put(old, CAROL, { pat: 'of carol' })
    await remove(old, CAROL)

    const both = await envelope(BOTH)
    const before = await both.stat(ALICE, call())
    expect(await reseal(both, { dryRun: true })).toMatchObject({ total: 3, resealed: 2, upToDate: 0, emptied: 1 })
    expect(await both.stat(ALICE, call())).toEqual(before)
    const seen: ResealProgress[] = []
    const onProgress = (progress: ResealProgress) => void seen.push(progress)
    expect(await reseal(both, { onProgress })).toEqual({
      total: 3,
      resealed: 2,
      upToDate: 0,
      emptied: 1,
      damaged: [],
      unknownKey: [],
      notSealed: [],
    })
    expect(seen.map(({ done }) => done)).toEqual([1, 2, 3])
    expect(await reseal(both)).toMatchObject({ resealed: 0, upToDate: 2, emptied: 1 })

    const fresh = await envelope({ key: NEW })
    expect(await valuesOf(fresh, ALICE)).toEqual({ pat: 'of alice', site: 'https://a.example.com' })
    expect(await valuesOf(fresh, BOB)).toEqual({ pat: 'of bob' })
    expect(await labelsOf(fresh, BOB)).toEqual({ ...LABELS, rejectedAt })
    expect(await auditOf(fresh, ALICE)).toEqual({ writer: 'w', seq: 7 })
    const status = await fresh.stat(ALICE, call())
    expect(status.status === 'active' && status.fields).toEqual(['pat', 'site'])
    expect((await fresh.stat(CAROL, call())).status).toBe('revoked')
  })

  test('values from before the envelope are sealed only when asked to, and stay readable meanwhile', async () => {
    inner = await newPlace(kind)
    await put(await opened(inner()), DAVE, { pat: 'plain of dave' }, { labels: LABELS })
    const strict = await envelope({ key: NEW })
    expect(await reseal(strict)).toMatchObject({ resealed: 0, notSealed: [strict.locate(DAVE)] })
    const lenient = await envelope({ key: NEW, acceptPlain: true })
    expect(await valuesOf(lenient, DAVE)).toEqual({ pat: 'plain of dave' })
    expect(await reseal(lenient)).toMatchObject({ total: 1, resealed: 1, notSealed: [] })
    expect(await valuesOf(strict, DAVE)).toEqual({ pat: 'plain of dave' })
    expect(await labelsOf(strict, DAVE)).toEqual(LABELS)
    const held = await (await opened(inner())).read(DAVE, call())
    expect(JSON.stringify(held)).not.toContain('plain of dave')
  })

  test('saves at the same time win, under whichever key, and the next run finishes what is left', async () => {
    inner = await newPlace(kind)
    const users = Array.from({ length: 12 }, (_, index) => of(`user-${index}`))
    const old = await envelope({ key: OLD })
    const both = await envelope(BOTH)
    for (const key of users) await put(old, key, { pat: 'before' })
    const saved = new Map<string, string>()
    const saving = users.map(async (key, index) => {
      for (let round = 0; round < 3; round += 1) {
        const pat = `${key.owner.subject} ${round}`
        await put(index % 2 ? old : both, key, { pat })
        saved.set(key.path, pat)
      }
    })
    const [report] = await Promise.all([reseal(both), ...saving])
    expect(report.total).toBe(users.length)
    expect(report.damaged).toEqual([])
    for (const key of users) expect(await valuesOf(both, key)).toEqual({ pat: saved.get(key.path) })
    await reseal(both)
    const fresh = await envelope({ key: NEW })
    for (const key of users) expect(await valuesOf(fresh, key)).toEqual({ pat: saved.get(key.path) })
  })

  test.each([
    { what: 'undone', before: new Date('2026-11-27T16:55:00Z'), meanwhile: undefined },
    { what: 'marked', before: undefined, meanwhile: new Date('2026-11-27T16:55:00Z') },
  ])('a rejection that is $what between the look and the write stays so', async ({ before, meanwhile }) => {
    inner = await newPlace(kind)
    const old = await envelope({ key: OLD })
    const version = await put(old, BOB, { pat: 'of bob' }, { labels: LABELS })
    if (before) await old.markRejected?.(BOB, version, before, call())
    let changed: boolean | undefined
    servers[kind === 'OpenBao' ? 'vault' : kind]?.beforeChange(async () => {
      changed = await old.markRejected?.(BOB, version, meanwhile, call())
    })
    const both = await envelope(BOTH)
    expect(await reseal(both)).toMatchObject({ resealed: 1 })
    expect(changed).toBe(true)
    expect(await labelsOf(both, BOB)).toEqual({ ...LABELS, ...(meanwhile && { rejectedAt: meanwhile }) })
  })

  test('stopped in the middle, every record still opens, and the next run does the rest', async () => {
    inner = await newPlace(kind)
    const users = Array.from({ length: 12 }, (_, index) => of(`user-${index}`))
    const old = await envelope({ key: OLD })
    for (const key of users) await put(old, key, { pat: key.owner.subject })
    const both = await envelope(BOTH)
    const stop = new AbortController()
    const onProgress = ({ done }: ResealProgress) => void (done === 5 && stop.abort())
    await expect(reseal(both, { signal: stop.signal, onProgress })).rejects.toSatisfy((error) =>
      isCredentialVaultError(error, 'unavailable'),
    )
    for (const key of users) expect(await valuesOf(both, key)).toEqual({ pat: key.owner.subject })
    const { resealed, upToDate } = await reseal(both)
    expect(resealed + upToDate).toBe(12)
    expect(upToDate).toBeGreaterThanOrEqual(4)
    const fresh = await envelope({ key: NEW })
    for (const key of users) expect(await valuesOf(fresh, key)).toEqual({ pat: key.owner.subject })
  })

  test('what cannot be sealed again is named, and stays as it is', async () => {
    inner = await newPlace(kind)
    const plain = await opened(inner())
    const unknown = await envelope({ key: generateKeyText() })
    const old = await envelope({ key: OLD })
    await put(unknown, ALICE, { pat: 'of alice' })
    await put(old, BOB, { pat: 'of bob' })
    await put(plain, DAVE, { [SEALED_FIELD]: 'mcv-sealed-v1.cut' })
    const both = await envelope(BOTH)
    expect(await reseal(both)).toMatchObject({
      total: 3,
      resealed: 1,
      damaged: [both.locate(DAVE)],
      unknownKey: [both.locate(ALICE)],
    })
    expect(await valuesOf(unknown, ALICE)).toEqual({ pat: 'of alice' })
  })

  test('after an answer that was lost before the labels were written, labels and mark are there all the same', async () => {
    inner = await newPlace(kind)
    const old = await envelope({ key: OLD })
    const version = await put(old, BOB, { pat: 'of bob' }, { labels: LABELS })
    const rejectedAt = new Date('2026-11-27T16:55:00Z')
    await old.markRejected?.(BOB, version, rejectedAt, call())
    const real = inner()
    let losses = 0
    const losing: SecretBackend = {
      ...real,
      async write(key, values, intent, written) {
        if (losses > 0) return real.write(key, values, intent, written)
        losses += 1
        await real.write(key, values, { ...intent, labels: {} }, written)
        throw new CredentialVaultError('outcome_unknown', 'The answer was lost.')
      },
    }
    const both = await opened(sealedEnvelope(losing, { ...BOTH, warn }))
    expect(await reseal(both)).toMatchObject({ resealed: 1 })
    expect(losses).toBe(1)
    expect(await labelsOf(both, BOB)).toEqual({ ...LABELS, rejectedAt })
    expect(await valuesOf(await envelope({ key: NEW }), BOB)).toEqual({ pat: 'of bob' })
  })
})

test("the operator's policy of the docs has the rights that resealing in Vault needs", async () => {
  const { bao } = servers
  if (!bao) return expect.fail('OpenBao does not run')
  const mount = await bao.newMount()
  const file = join(import.meta.dirname, '../../../docs/backends/policies/vault-operator.hcl')
  const policy = readFileSync(file, 'utf8').replaceAll('"secret/', `"${mount}/`)
  await bao.api('PUT', 'sys/policies/acl/envelope-operator', { policy })
  const { body } = await bao.api('POST', 'auth/token/create', { policies: ['envelope-operator'], ttl: '1h' })
  const inner = (token: string) => vaultBackend({ address: bao.address, auth: { method: 'token', token }, mount, warn })
  const old = await opened(sealedEnvelope(inner(ROOT_TOKEN), { key: OLD, warn }))
  const version = await put(old, BOB, { pat: 'of bob' }, { labels: LABELS })
  const rejectedAt = new Date('2026-11-27T16:55:00Z')
  await old.markRejected?.(BOB, version, rejectedAt, call())
  const operator = await opened(sealedEnvelope(inner(body.auth.client_token), { ...BOTH, warn }))
  expect(await reseal(operator)).toMatchObject({ resealed: 1 })
  const fresh = await opened(sealedEnvelope(inner(ROOT_TOKEN), { key: NEW, warn }))
  expect(await valuesOf(fresh, BOB)).toEqual({ pat: 'of bob' })
  expect(await labelsOf(fresh, BOB)).toEqual({ ...LABELS, rejectedAt })
})
