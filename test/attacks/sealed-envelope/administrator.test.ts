import { afterAll, beforeAll, expect, test } from 'vitest'
import { SEALED_FIELD } from '../../../src/core/model/stored-values.ts'
import { call, put, remove, statusOfAll, valuesOf } from '../../../src/testing/secret-backend/calls.ts'
import { type OpenBao, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { ALICE, BOB, refuses, sealedStore } from '../../harness/hashicorp-vault/sealed-store.ts'

// The store's administrator reads and writes everything in it, and holds no key of the envelope.
let bao: OpenBao
beforeAll(async () => {
  bao = await startOpenBao()
})
afterAll(() => bao.stop())

test('cannot read a value: neither the store nor its labels hold one', async () => {
  const store = await sealedStore(bao)
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'canary-of-alice', site: 'https://jira.canary.example.com' })
  await put(backend, ALICE, { pat: 'canary-of-alice-2', site: 'https://jira.canary.example.com' })
  const held = await store.held(ALICE)
  expect(Object.keys(held)).toEqual([SEALED_FIELD])
  expect(held[SEALED_FIELD]).toMatch(/^mcv-sealed-v1\.[0-9a-f]{4}-[0-9a-f]{4}\.[\w-]{22}\.[\w-]+$/)
  const seen = [
    ...(await Promise.all([1, 2].map((n) => bao.api('GET', `${store.mount}/data/mcp/${ALICE.path}?version=${n}`)))),
    await bao.api('GET', `${store.mount}/metadata/mcp/${ALICE.path}`),
  ].map(({ body }) => JSON.stringify(body))
  for (const secret of ['canary-of-alice', 'jira.canary.example.com'])
    for (const form of [secret, Buffer.from(secret).toString('base64url'), Buffer.from(secret).toString('hex')])
      for (const text of seen) expect(text).not.toContain(form)
  expect(await valuesOf(backend, ALICE)).toMatchObject({ pat: 'canary-of-alice-2' })
})

test('cannot tell two equal values apart from different ones, nor a short one from a longer one', async () => {
  const store = await sealedStore(bao)
  const backend = await store.open()
  const texts = new Set<string | undefined>()
  for (const pat of ['same', 'same', 'somewhat longer than the others']) {
    await put(backend, ALICE, { pat })
    texts.add((await store.held(ALICE))[SEALED_FIELD])
  }
  expect(texts.size).toBe(3)
  expect(new Set([...texts].map((text) => text?.length)).size).toBe(1)
})

test("cannot put one user's record in another's place", async () => {
  const store = await sealedStore(bao)
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'canary-of-alice' })
  await put(backend, BOB, { pat: 'canary-of-bob' })
  await store.administrator.put(ALICE, await store.held(BOB))
  for (const each of [backend, await store.open()])
    await refuses(each, ALICE, { code: 'record_tampered', reason: 'swapped' })
  expect(await valuesOf(backend, BOB)).toEqual({ pat: 'canary-of-bob' })

  // Who makes the place in front fit changes what was sealed.
  const [, , place] = (await store.held(ALICE))[SEALED_FIELD]?.split('.') ?? []
  await put(backend, ALICE, { pat: 'canary-of-alice' })
  const own = (await store.held(ALICE))[SEALED_FIELD]?.split('.')[2] ?? ''
  const forged = (await store.held(BOB))[SEALED_FIELD]?.replace(place ?? '', own)
  await store.administrator.put(ALICE, { [SEALED_FIELD]: forged })
  await refuses(backend, ALICE, { code: 'record_tampered', reason: 'seal' })

  // The owner and an operator have a way out.
  expect(await remove(backend, ALICE)).toBe(true)
  await put(backend, ALICE, { pat: 'entered again' })
  expect(await valuesOf(backend, ALICE)).toEqual({ pat: 'entered again' })
})

test('cannot change or cut a text, add to it, or give it another shape', async () => {
  const store = await sealedStore(bao)
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'canary-of-alice' })
  const text = (await store.held(ALICE))[SEALED_FIELD] ?? ''
  const box = text.lastIndexOf('.') + 1
  const flipped = (at: number) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
  const attempts: readonly (readonly [string, Record<string, unknown>])[] = [
    ...[box, box + 40, text.length - 20].map((at) => ['seal', { [SEALED_FIELD]: flipped(at) }] as const),
    ['swapped', { [SEALED_FIELD]: flipped(box - 5) }],
    ['seal', { [SEALED_FIELD]: text.slice(0, box + 128) }],
    ['seal', { [SEALED_FIELD]: text.slice(0, box + 8) }],
    ['format', { [SEALED_FIELD]: text.slice(0, box) }],
    ['format', { [SEALED_FIELD]: '' }],
    ['format', { [SEALED_FIELD]: `${text}=` }],
    ['format', { [SEALED_FIELD]: text.replace('-v1', '-v2') }],
    ['format', { [SEALED_FIELD]: text, pat: 'canary-beside-it' }],
    ['format', { [SEALED_FIELD]: { text } }],
    // Longer than any that is written here, and refused before it is decoded.
    ['format', { [SEALED_FIELD]: text + 'A'.repeat(500_000) }],
  ]
  for (const [reason, fields] of attempts) {
    await store.administrator.put(ALICE, fields)
    await refuses(backend, ALICE, { code: 'record_tampered', reason })
  }
  await store.administrator.put(ALICE, { [SEALED_FIELD]: text })
  expect(await valuesOf(backend, ALICE)).toEqual({ pat: 'canary-of-alice' })
})

test("cannot slip in a credential of their own, in place of a user's or of none", async () => {
  const store = await sealedStore(bao)
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'canary-of-alice' })
  for (const key of [ALICE, BOB]) {
    await store.administrator.put(key, { pat: 'canary-of-the-administrator' })
    await refuses(backend, key, { code: 'record_tampered', reason: 'not_sealed' })
    await expect(backend.read(key, call())).rejects.toThrow(
      /seed --replace.*mcp-credential-vault rotate.*ACCEPT_PLAIN=true.*keys reseal/,
    )
    expect(backend.rotateCommand).toBeUndefined()
  }
})

test('can put an earlier value of the same user back, as a roll-back does: it opens, and is another version', async () => {
  const store = await sealedStore(bao)
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'earlier' })
  const earlier = await store.held(ALICE)
  const later = await put(backend, ALICE, { pat: 'later' })
  await store.administrator.put(ALICE, earlier)
  const found = await backend.read(ALICE, call())
  expect(found).toMatchObject({ status: 'active', values: { pat: 'earlier' } })
  expect(found.status === 'active' && found.version.ref).not.toBe(later.ref)
  // No line of ours announced it.
  for await (const stored of backend.list(call())) expect(stored.audit).toBeUndefined()
})

test('a forged label of field names shows no value, and the sealed names are not believed to be fields', async () => {
  const store = await sealedStore(bao)
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'canary-of-alice' })
  await bao.api('PATCH', `${store.mount}/metadata/mcp/${ALICE.path}`, {
    custom_metadata: { 'mcp-fields': SEALED_FIELD },
  })
  const status = await backend.stat(ALICE, call())
  expect(status.status === 'active' && status.fields).toBeUndefined()
  expect(await backend.fieldNames?.(ALICE, call())).toBeUndefined()
  expect(await statusOfAll(backend)).toEqual(new Map([[ALICE.path, 'active']]))
  expect(await valuesOf(backend, ALICE)).toEqual({ pat: 'canary-of-alice' })
})
