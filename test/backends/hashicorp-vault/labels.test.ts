import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { vaultBackend } from '../../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { call, put, refOf, remove, valuesOf } from '../../../src/testing/secret-backend/calls.ts'
import { hashicorpOperator } from '../../harness/hashicorp-vault/hashicorp-operator.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'

const ALICE = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
const NOW = new Date('2026-11-27T16:55:00.123Z')
let bao: OpenBao
let mount: string
let backend: SecretBackend
let warnings: string[] = []

beforeAll(async () => {
  bao = await startOpenBao()
})
afterAll(() => bao.stop())
beforeEach(async () => {
  mount = await bao.newMount()
  warnings = []
  const made = vaultBackend({
    address: bao.address,
    auth: { method: 'token', token: ROOT_TOKEN },
    mount,
    warn: (message) => void warnings.push(message),
  })
  await made.open()
  onTestFinished(() => made.close())
  backend = made
})

const metadata = () => `${mount}/metadata/mcp/${ALICE.path}`
const shown = async () => (await bao.api('GET', metadata())).body.data.custom_metadata as Record<string, string>
/** As `vault kv metadata patch -custom-metadata=…` does it. */
const patch = (labels: Record<string, string | null>) => bao.api('PATCH', metadata(), { custom_metadata: labels })
const byHand = () => hashicorpOperator(bao, mount).put(ALICE, { pat: 'by hand' })

async function labels() {
  const [stat, read] = [await backend.stat(ALICE, call()), await backend.read(ALICE, call())]
  if (stat.status !== 'active' || read.status !== 'active') throw new Error(`it is ${stat.status}`)
  expect(read.labels).toEqual(stat.labels)
  return stat.labels
}

test("what an operator sees in Vault's own tools", async () => {
  const version = await put(
    backend,
    ALICE,
    { pat: 'one' },
    { labels: { expiresAt: new Date('2027-01-31'), accountName: 'Zoë Müller', unverified: true } },
  )
  expect(await backend.markRejected?.(ALICE, version, NOW, call())).toBe(true)
  expect(await shown()).toMatchObject({
    'mcp-version': '1',
    'mcp-fields': 'pat',
    'mcp-rejected': '1 2026-11-27T16:55:00.123Z',
    'mcp-expires': '2027-01-31T00:00:00.000Z',
    'mcp-account': 'Zoë Müller',
    'mcp-unverified': 'true',
  })
  await put(backend, ALICE, { pat: 'two' })
  expect(Object.keys(await shown()).sort()).toEqual(['mcp-audit', 'mcp-fields', 'mcp-operation', 'mcp-version'])
})

test('an account name that Vault would refuse is stored in base64url', async () => {
  for (const accountName of ['no\u00a0break', 'base64url:x', '日'.repeat(100), '\u{1F511}'.repeat(50)]) {
    await put(backend, ALICE, { pat: 'one' }, { labels: { accountName } })
    expect(await labels()).toEqual({ accountName })
  }
  expect(warnings).toEqual([])
})

test('an expiry that an operator sets describes the labelled version, or the one that it names', async () => {
  await put(backend, ALICE, { pat: 'one' })
  await patch({ 'mcp-expires': '2027-01-31' })
  expect(await labels()).toEqual({ expiresAt: new Date('2027-01-31') })
  await byHand()
  expect(await labels()).toEqual({})
  await patch({ 'mcp-expires': '2 2027-06-30T12:00:00+02:00' })
  expect(await labels()).toEqual({ expiresAt: new Date('2027-06-30T10:00:00Z') })
  await byHand()
  expect(await labels()).toEqual({})
})

test('a mark that arrives after a rotation marks nothing', async () => {
  await put(backend, ALICE, { pat: 'refused' })
  await byHand()
  await patch({ 'mcp-rejected': '1 2026-11-27T16:55:00Z' })
  expect(await labels()).toEqual({})
  await put(backend, ALICE, { pat: 'new' })
  await patch({ 'mcp-rejected': '2 2026-11-27T16:55:00Z' })
  expect(await labels()).toEqual({})
})

test('a forged label changes neither value nor version, and saving and revoking go on', async () => {
  const version = await put(backend, ALICE, { pat: 'good' })
  await patch({
    'mcp-rejected': '1 2026-11-27',
    'mcp-revoked': NOW.toISOString(),
    'mcp-expires': '1999-01-01',
    'mcp-account': 'mallory',
    'mcp-unverified': 'true',
    'mcp-fields': 'forged',
    'mcp-operation': 'forged',
  })
  expect(await labels()).toEqual({
    rejectedAt: new Date('2026-11-27'),
    expiresAt: new Date('1999-01-01'),
    accountName: 'mallory',
    unverified: true,
  })
  expect(await valuesOf(backend, ALICE)).toEqual({ pat: 'good' })
  expect(refOf(await backend.stat(ALICE, call()))).toBe(version.ref)
  await put(backend, ALICE, { pat: 'better' }, { expect: { version: version.ref } })
  expect(await labels()).toEqual({})
  await patch({ 'mcp-version': '2', 'mcp-revoked': NOW.toISOString() })
  expect(await remove(backend, ALICE)).toBe(true)
  expect((await backend.read(ALICE, call())).status).toBe('revoked')
})

test('a label that says nothing sensible is no label', async () => {
  await put(backend, ALICE, { pat: 'good' })
  for (const forged of ['1', '1 soon', '1 2026-13-45', '2026-11-27', '-1 2026-11-27', '1 2026-11-27 x'])
    await patch({ 'mcp-rejected': forged }).then(async () => expect([forged, await labels()]).toEqual([forged, {}]))
  const backwards = Buffer.from('\u202eevil').toString('base64url')
  for (const forged of ['a'.repeat(101), `base64url:${backwards}`, 'base64url:'])
    await patch({ 'mcp-account': forged }).then(async () => expect([forged, await labels()]).toEqual([forged, {}]))
  await patch({ 'mcp-account': null, 'mcp-expires': 'never', 'mcp-unverified': 'yes' })
  expect(await labels()).toEqual({})
})

test('erased labels are unknown, and a revoked credential stays revoked without them', async () => {
  const version = await put(backend, ALICE, { pat: 'good' }, { labels: { accountName: 'alice', unverified: true } })
  await backend.markRejected?.(ALICE, version, NOW, call())
  const erase = async () => patch(Object.fromEntries(Object.keys(await shown()).map((label) => [label, null])))
  await erase()
  expect(await labels()).toEqual({})
  expect(await valuesOf(backend, ALICE)).toEqual({ pat: 'good' })
  await remove(backend, ALICE)
  await erase()
  await patch({ 'mcp-rejected': '1 2026-11-27' })
  expect((await backend.read(ALICE, call())).status).toBe('revoked')
  expect(await backend.stat(ALICE, call())).toMatchObject({ status: 'revoked' })
})

test('a purge or a deletion that meets a mark leaves nothing behind', async () => {
  const version = await put(backend, ALICE, { pat: 'one' })
  await hashicorpOperator(bao, mount).remove(ALICE)
  expect(await backend.markRejected?.(ALICE, version, NOW, call())).toBe(false)
  await hashicorpOperator(bao, mount).purge(ALICE)
  expect(await backend.markRejected?.(ALICE, version, NOW, call())).toBe(false)
  expect((await bao.api('GET', metadata())).status).toBe(404)
})
