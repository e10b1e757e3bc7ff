import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { encodeRecord } from '../../../src/backends/sealed-file/record.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, keyringOf, revisionPath, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

const LABELS = { expiresAt: new Date('2027-01-31T12:00:00Z'), accountName: 'alice-ci', unverified: true }

test('labels and field names are read back in another process, by read, stat and list', async () => {
  const store = await sealedFolder()
  await put(await store.open(), ALICE, { pat: 'token', user: 'alice' }, { labels: LABELS })
  const other = await store.open()
  expect(await other.read(ALICE, call())).toMatchObject({ labels: LABELS, values: { pat: 'token' } })
  const status = await other.stat(ALICE, call())
  expect(status).toMatchObject({ status: 'active', fields: ['pat', 'user'], labels: LABELS })
  expect(status).not.toHaveProperty('values')
  for await (const listed of other.list(call())) {
    expect(listed.status).toMatchObject({ fields: ['pat', 'user'], labels: LABELS })
    expect(listed.status).not.toHaveProperty('values')
  }
})

test('labels belong to one version: a save without them has none', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'token' }, { labels: LABELS })
  await put(backend, ALICE, { pat: 'another' })
  expect(await backend.stat(ALICE, call())).not.toHaveProperty('labels')
})

test('neither labels nor field names can be read from the file', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { recovery_code: 'token' }, { labels: LABELS })
  const lines = (await readFile(revisionPath(backend, ALICE, 1), 'latin1')).split('\n')
  const readable = lines.map((line) => Buffer.from(line, 'base64url').toString('latin1')).join('\n')
  for (const word of ['alice-ci', 'accountName', 'recovery_code', '2027', String(LABELS.expiresAt.getTime())])
    expect(readable).not.toContain(word)
})

test('values are stored even if a label cannot be', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'token' }, { labels: { expiresAt: new Date(Number.NaN), accountName: 'alice-ci' } })
  expect(await backend.read(ALICE, call())).toMatchObject({ values: { pat: 'token' } })
})

test('a record without labels stays readable', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'first' })
  const [id = ''] = backend.locate(ALICE).split('/').slice(-1)
  const header = { id: id.slice(0, 40), revision: 2, kind: 'active', version: 'v', at: 1, operation: 'o' } as const
  const payload = { provider: ALICE.provider, owner: ALICE.owner, values: { pat: 'from before' } }
  await writeFile(revisionPath(backend, ALICE, 2), encodeRecord(header, payload, await keyringOf(store)))
  expect(await (await store.open()).read(ALICE, call())).toEqual({
    status: 'active',
    version: { ref: 'v', label: '2', createdAt: new Date(1) },
    values: { pat: 'from before' },
  })
})
