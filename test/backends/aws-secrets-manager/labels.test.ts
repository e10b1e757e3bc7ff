import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { awsSecretsManagerBackend } from '../../../src/backends/aws-secrets-manager/aws-secrets-manager.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { call, put, refOf, remove, valuesOf } from '../../../src/testing/secret-backend/calls.ts'
import { type AwsEmulator, REGION, ROOT_KEYS, startAwsEmulator } from '../../harness/aws/aws-emulator.ts'
import { awsOperator } from '../../harness/aws/aws-operator.ts'
import { type AwsProxy, startAwsProxy } from '../../harness/aws/aws-proxy.ts'

const ALICE = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
const NOW = new Date('2026-11-27T16:55:00Z')
const MARK = 'mcp-rejected-20261127T165500Z'

describe.each(['moto', 'ministack'] as const)('%s', (name) => {
  let emulator: AwsEmulator
  let proxy: AwsProxy
  let prefix: string
  let backend: SecretBackend

  beforeAll(async () => {
    emulator = await startAwsEmulator(name)
    proxy = await startAwsProxy(emulator)
  })
  afterAll(async () => {
    await proxy.close()
    await emulator.stop()
  })
  beforeEach(async () => {
    prefix = `mcp-${randomUUID().slice(0, 8)}`
    const made = awsSecretsManagerBackend({
      region: REGION,
      endpoint: proxy.endpoint,
      credentials: async () => ROOT_KEYS,
      prefix,
      warn: () => undefined,
    })
    await made.open()
    onTestFinished(() => made.close())
    backend = made
  })

  const secret = () => ({ SecretId: `${prefix}/${ALICE.path}.cred` })
  const stages = async () => (await emulator.administrator.describeSecret(secret())).VersionIdsToStages ?? {}
  const tags = async () =>
    Object.fromEntries(
      ((await emulator.administrator.describeSecret(secret())).Tags ?? []).map(({ Key, Value }) => [Key, Value]),
    )
  /** As `aws secretsmanager tag-resource` does it. */
  const tag = (Key: string, Value: string) =>
    emulator.administrator.tagResource({ ...secret(), Tags: [{ Key, Value }] })
  const stage = (VersionStage: string, place: { MoveToVersionId: string } | { RemoveFromVersionId: string }) =>
    emulator.administrator.updateSecretVersionStage({ ...secret(), VersionStage, ...place })

  async function labels() {
    const status = await backend.stat(ALICE, call())
    if (status.status !== 'active') throw new Error(`it is ${status.status}`)
    return status.labels
  }

  test('what an operator sees in the console, and one mark at most', async () => {
    const given = { expiresAt: new Date('2027-01-31'), accountName: 'zoe@example.com', unverified: true }
    const version = await put(backend, ALICE, { pat: 'one' }, { labels: given })
    expect(await backend.markRejected?.(ALICE, version, NOW, call())).toBe(true)
    expect(await tags()).toMatchObject({
      'mcp:version': version.ref,
      'mcp:expires': '2027-01-31T00:00:00.000Z',
      'mcp:account': 'zoe@example.com',
      'mcp:unverified': 'true',
    })
    expect((await stages())[version.ref]).toEqual(['AWSCURRENT', MARK])
    for (const at of [undefined, new Date('2027-01-01'), undefined, NOW, NOW])
      await backend.markRejected?.(ALICE, version, at, call())
    expect((await stages())[version.ref]).toEqual(['AWSCURRENT', MARK])
    await put(backend, ALICE, { pat: 'two' })
    expect(Object.values(await stages()).flat()).not.toContain(MARK)
    expect(await labels()).toEqual({})
  })

  test('an account name that a tag would not take is stored in base64url, and one that does not fit is left out', async () => {
    for (const accountName of ['Zoë <zoe>', 'base64url:x', '日'.repeat(60)]) {
      await put(backend, ALICE, { pat: 'one' }, { labels: { accountName } })
      expect((await tags())['mcp:account']).toMatch(/^base64url:[\w-]+$/)
      expect(await labels()).toEqual({ accountName })
    }
    await put(backend, ALICE, { pat: 'one' }, { labels: { accountName: '日'.repeat(100) } })
    expect(await labels()).toEqual({})
  })

  test('an expiry that an operator sets describes the tagged version, or the one that it names', async () => {
    await put(backend, ALICE, { pat: 'one' })
    await tag('mcp:expires', '2027-01-31')
    expect(await labels()).toEqual({ expiresAt: new Date('2027-01-31') })
    await awsOperator(emulator.administrator, prefix).put(ALICE, { pat: 'by hand' })
    expect(await labels()).toEqual({})
    await tag('mcp:expires', `${refOf(await backend.stat(ALICE, call()))} 2027-06-30`)
    expect(await labels()).toEqual({ expiresAt: new Date('2027-06-30') })
  })

  test('forged and erased labels change neither value nor version, and revoking goes on', async () => {
    const { ref } = await put(backend, ALICE, { pat: 'good' }, { labels: { accountName: 'alice' } })
    for (const forged of ['mcp-rejected-', 'mcp-rejected-soon', 'mcp-rejected-20261345T990000Z']) {
      await stage(forged, { MoveToVersionId: ref })
      expect([forged, await labels()]).toEqual([forged, { accountName: 'alice' }])
      await stage(forged, { RemoveFromVersionId: ref })
    }
    await stage(MARK, { MoveToVersionId: ref })
    await tag('mcp:expires', '1999-01-01')
    await tag('mcp:account', 'mallory')
    await tag('mcp:unverified', 'true')
    const forged = { expiresAt: new Date('1999-01-01'), accountName: 'mallory', unverified: true, rejectedAt: NOW }
    expect(await labels()).toEqual(forged)
    expect(await valuesOf(backend, ALICE)).toEqual({ pat: 'good' })
    await stage(MARK, { RemoveFromVersionId: ref })
    const TagKeys = Object.keys(await tags())
    await emulator.administrator.untagResource({ ...secret(), TagKeys })
    expect(await labels()).toEqual({})
    expect(refOf(await backend.stat(ALICE, call()))).toBe(ref)
    await stage(MARK, { MoveToVersionId: ref })
    expect(await remove(backend, ALICE)).toBe(true)
    expect((await backend.read(ALICE, call())).status).toBe('revoked')
    expect(Object.values(await stages()).flat()).toEqual(['AWSCURRENT'])
  })

  test('a read that finds no mark makes one request, and so does one that finds it', async () => {
    const version = await put(backend, ALICE, { pat: 'one' })
    for (const rejectedAt of [undefined, NOW]) {
      await backend.markRejected?.(ALICE, version, rejectedAt, call())
      proxy.operations.length = 0
      expect(await backend.read(ALICE, call())).toMatchObject({ labels: rejectedAt ? { rejectedAt } : {} })
      expect(proxy.operations).toEqual(['GetSecretValue'])
    }
  })
})
