import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import { type StorageKey, storageKey } from '../../core/model/storage-key.ts'
import { MAX_CREDENTIAL_BYTES } from '../../core/model/variables.ts'
import type { SecretBackend, StoredCredential } from '../../core/ports/secret-backend.ts'
import { call, conflict, oneWinner, put, refOf, remove, statusOfAll, valuesOf } from './calls.ts'
import { describeFaults } from './fault-suite.ts'
import type { Fault, SecretBackendHarness } from './harness.ts'
import { describeLabels } from './label-suite.ts'
import { describeRaces } from './race-suite.ts'
import { describeVendorOperator } from './vendor-suite.ts'

export interface SecretBackendSuite {
  /** `test` of the runner: vitest or node:test. */
  readonly test: (name: string, run: () => Promise<void>) => unknown
  /** Makes opened connections to an empty store. */
  readonly makeHarness: () => Promise<SecretBackendHarness>
  /** Faults that `fault` of the harness can inject. Default none, for a backend without a network. */
  readonly faults?: readonly Fault[]
}

const ISSUER = 'https://login.example.com'
const ALICE = storageKey('jira', { issuer: ISSUER, subject: 'alice' })
const BOB = storageKey('jira', { issuer: ISSUER, subject: 'bob' })

/** Owners and providers that a careless backend confuses. */
const LOOKALIKES: readonly StorageKey[] = [
  ALICE,
  storageKey('gitlab', { issuer: ISSUER, subject: 'alice' }),
  storageKey('jira@work', { issuer: ISSUER, subject: 'alice' }),
  storageKey('jira', { issuer: ISSUER, subject: 'alice@work' }),
  storageKey('jira', { issuer: 'https://login.example.org', subject: 'alice' }),
  storageKey('jira', { issuer: `${ISSUER}/`, subject: 'alice' }),
  ...[
    'Alice',
    'alice ',
    'alice/x',
    'alice/../bob',
    '..',
    '.',
    '*',
    'al%69ce',
    'auth0|alice',
    'alice\u0301',
    'alic\u00e9',
    'alice\u{1F511}',
    'a'.repeat(255),
    `${'a'.repeat(254)}b`,
    '_h',
  ].map((subject) => storageKey('jira', { issuer: ISSUER, subject })),
]

/**
 * Registers one test for each promise of the {@link SecretBackend} interface.
 *
 * @example
 * ```ts
 * import { describeSecretBackend } from 'mcp-credential-vault/testing'
 * describeSecretBackend({ test, makeHarness: async () => ({ here: backend, there: backend, close: () => backend.close() }) })
 * ```
 */
export function describeSecretBackend({ test, makeHarness, faults = [] }: SecretBackendSuite): void {
  function check(promise: string, run: (harness: SecretBackendHarness) => Promise<void>): void {
    test(`secret backend: ${promise}`, async () => {
      const harness = await makeHarness()
      try {
        await run(harness)
      } finally {
        await harness.close()
      }
    })
  }

  check('what was never saved is absent, and there is nothing to revoke', async ({ here }) => {
    assert.deepEqual(await here.read(ALICE, call()), { status: 'absent' })
    assert.deepEqual(await here.stat(ALICE, call()), { status: 'absent' })
    assert.equal(await remove(here, ALICE), false)
    assert.equal(await remove(here, ALICE, { purge: true }), false)
    assert.deepEqual(await statusOfAll(here), new Map())
  })

  check('what was saved is read back exactly, by everybody', async ({ here, there }) => {
    const values = {
      pat: 'glpat-\u00fc\u{1F511} "quoted" \\',
      note: 'two\nlines\t',
      toString: 'a field like any other',
    }
    const version = await put(here, ALICE, values)
    for (const backend of [here, there]) {
      const found = await backend.read(ALICE, call())
      assert.equal(found.status, 'active')
      assert.deepEqual({ ...(found.status === 'active' && found.values) }, values)
      assert.equal(found.status === 'active' && found.version.ref, version.ref)
    }
    assert.ok(Math.abs(version.createdAt.getTime() - Date.now()) < 300_000, 'createdAt is about now')
    assert.notEqual(version.label, '')
  })

  check('stat says the same as read, without values', async ({ here }) => {
    await put(here, ALICE, { pat: 'canary-of-stat' })
    const status = await here.stat(ALICE, call())
    assert.equal(status.status, 'active')
    assert.ok(!inspect(status, { depth: 9 }).includes('canary-of-stat'))
    if (status.status === 'active' && status.fields) assert.deepEqual(status.fields, ['pat'])
    assert.equal(refOf(status), refOf(await here.read(ALICE, call())))
  })

  check('the largest credential fits', async ({ here }) => {
    const values = { key: 'k'.repeat(MAX_CREDENTIAL_BYTES - '{"key":""}'.length) }
    await put(here, ALICE, values)
    assert.deepEqual(await valuesOf(here, ALICE), values)
  })

  check('a later save replaces every field', async ({ here, there }) => {
    const first = await put(here, ALICE, { pat: 'one', extra: 'only in the first' })
    const second = await put(there, ALICE, { pat: 'two' })
    assert.notEqual(first.ref, second.ref)
    assert.deepEqual(await valuesOf(here, ALICE), { pat: 'two' })
  })

  check('what the caller does to the values later changes nothing', async ({ here }) => {
    const values = { pat: 'kept' }
    await put(here, ALICE, values)
    values.pat = 'changed by the caller'
    const found = await here.read(ALICE, call())
    if (found.status === 'active') Object.assign(found.values, { pat: 'changed by the reader' })
    assert.deepEqual(await valuesOf(here, ALICE), { pat: 'kept' })
  })

  check('no two owners or providers share a credential', async ({ here, there }) => {
    for (const [index, key] of LOOKALIKES.entries()) await put(here, key, { pat: `of ${index}` })
    for (const [index, key] of LOOKALIKES.entries())
      assert.deepEqual(await valuesOf(there, key), { pat: `of ${index}` })
    assert.equal(await remove(here, ALICE), true)
    for (const key of LOOKALIKES.slice(1)) assert.equal((await here.stat(key, call())).status, 'active')
    assert.equal(new Set(LOOKALIKES.map((key) => here.locate(key))).size, LOOKALIKES.length)
  })

  check('a save that expects nothing loses against what is there', async ({ here, there }) => {
    await put(here, ALICE, { pat: 'first' }, { expect: 'absent' })
    await conflict(put(there, ALICE, { pat: 'second' }, { expect: 'absent' }))
    assert.deepEqual(await valuesOf(here, ALICE), { pat: 'first' })
    await remove(here, ALICE)
    await put(there, ALICE, { pat: 'third' }, { expect: 'absent' })
    assert.deepEqual(await valuesOf(here, ALICE), { pat: 'third' })
  })

  check('a save that expects a version loses against any other', async ({ here, there }) => {
    const first = await put(here, ALICE, { pat: 'first' })
    const second = await put(there, ALICE, { pat: 'second' }, { expect: { version: first.ref } })
    await conflict(put(here, ALICE, { pat: 'third' }, { expect: { version: first.ref } }))
    await conflict(put(here, BOB, { pat: 'third' }, { expect: { version: first.ref } }))
    assert.equal(refOf(await here.stat(ALICE, call())), second.ref)
    await conflict(remove(here, ALICE, { expect: { version: first.ref } }))
    assert.deepEqual(await valuesOf(here, ALICE), { pat: 'second' })
    assert.equal(await remove(there, ALICE, { expect: { version: second.ref } }), true)
    await put(here, ALICE, { pat: 'fourth' })
    assert.deepEqual(await valuesOf(there, ALICE), { pat: 'fourth' })
  })

  check('of simultaneous first saves one wins', async ({ here, there }) => {
    const attempts = Array.from({ length: 8 }, (_, index) =>
      put(index % 2 ? here : there, ALICE, { pat: `attempt ${index}` }, { expect: 'absent' }),
    )
    await oneWinner(attempts, here, ALICE)
  })

  check('of simultaneous changes of one version one wins', async ({ here, there }) => {
    const { ref } = await put(here, ALICE, { pat: 'before' })
    const attempts = Array.from({ length: 8 }, (_, index) =>
      put(index % 2 ? here : there, ALICE, { pat: `attempt ${index}` }, { expect: { version: ref } }),
    )
    await oneWinner(attempts, here, ALICE)
  })

  check('simultaneous saves that expect anything all succeed', async ({ here, there }) => {
    const attempts = Array.from({ length: 6 }, (_, index) => put(index % 2 ? here : there, ALICE, { pat: `${index}` }))
    const versions = await Promise.all(attempts)
    assert.equal(new Set(versions.map((version) => version.ref)).size, attempts.length)
    const last = refOf(await here.stat(ALICE, call()))
    assert.ok(versions.some((version) => version.ref === last))
  })

  check('a repeated attempt of one save is that save', async ({ here, there }) => {
    const operationId = randomUUID()
    const first = await put(here, ALICE, { pat: 'once' }, { expect: 'absent', operationId })
    const again = await put(there, ALICE, { pat: 'once' }, { expect: 'absent', operationId })
    assert.equal(again.ref, first.ref)
  })

  check('a revoked credential says so and gives nothing', async ({ here, there }) => {
    await put(here, ALICE, { pat: 'canary-of-revoke' })
    const { ref } = await put(here, ALICE, { pat: 'canary-of-revoke, rotated' })
    assert.equal(await remove(there, ALICE), true)
    for (const backend of [here, there]) {
      const found = await backend.read(ALICE, call())
      assert.equal(found.status, 'revoked')
      assert.ok(!inspect(found, { depth: 9 }).includes('canary-of-revoke'))
      assert.equal((await backend.stat(ALICE, call())).status, 'revoked')
    }
    assert.equal(await remove(here, ALICE), false)
    await conflict(put(here, ALICE, { pat: 'late' }, { expect: { version: ref } }))
    const renewed = await put(here, ALICE, { pat: 'renewed' })
    assert.notEqual(renewed.ref, ref)
    assert.deepEqual(await valuesOf(there, ALICE), { pat: 'renewed' })
  })

  check('a purged credential is absent and never comes back under an old reference', async ({ here, there }) => {
    const { ref } = await put(here, ALICE, { pat: 'purged' })
    assert.equal(await remove(here, ALICE, { purge: true }), true)
    assert.deepEqual(await there.read(ALICE, call()), { status: 'absent' })
    assert.equal(await remove(there, ALICE, { purge: true }), false)
    await conflict(put(there, ALICE, { pat: 'late' }, { expect: { version: ref } }))
    const renewed = await put(there, ALICE, { pat: 'renewed' }, { expect: 'absent' })
    assert.notEqual(renewed.ref, ref)
    await conflict(put(here, ALICE, { pat: 'late' }, { expect: { version: ref } }))
    assert.deepEqual(await valuesOf(here, ALICE), { pat: 'renewed' })
  })

  check('purging a revoked credential removes its mark', async ({ here }) => {
    await put(here, ALICE, { pat: 'gone' })
    await remove(here, ALICE)
    assert.equal(await remove(here, ALICE, { purge: true }), true)
    assert.deepEqual(await here.stat(ALICE, call()), { status: 'absent' })
    assert.deepEqual(await statusOfAll(here), new Map())
  })

  check('the list holds every credential, revoked ones too, without values', async ({ here, there }) => {
    for (const key of LOOKALIKES) await put(here, key, { pat: 'canary-of-list' })
    await put(here, BOB, { pat: 'canary-of-list' })
    await remove(here, ALICE)
    await remove(here, BOB, { purge: true })
    const listed: StoredCredential[] = []
    for await (const credential of there.list(call())) listed.push(credential)
    assert.ok(!inspect(listed, { depth: 9 }).includes('canary-of-list'))
    const expected = new Map(LOOKALIKES.map((key) => [key.path, key === ALICE ? 'revoked' : 'active']))
    assert.deepEqual(new Map(listed.map(({ key, status }) => [key.path, status.status])), expected)
    assert.equal(listed.length, expected.size)
    for (const { key } of listed) {
      assert.ok(
        LOOKALIKES.some((known) => known.provider === key.provider && known.owner.subject === key.owner.subject),
      )
    }
  })

  check('a call whose time is over changes nothing', async ({ here }) => {
    const over = call(AbortSignal.abort())
    const unavailable = (error: unknown) => isCredentialVaultError(error, 'unavailable')
    const intent = { expect: 'any', audit: { writer: 'w', seq: 1 }, operationId: randomUUID() } as const
    await assert.rejects(async () => here.write(ALICE, { pat: 'late' }, intent, over), unavailable)
    await assert.rejects(async () => here.read(ALICE, over), unavailable)
    await assert.rejects(async () => here.stat(ALICE, over), unavailable)
    await assert.rejects(async () => here.revoke(ALICE, { ...intent, purge: false }, over), unavailable)
    assert.deepEqual(await here.stat(ALICE, call()), { status: 'absent' })
  })

  check('what was acknowledged outlives the process', async ({ here, reconnect }) => {
    if (!reconnect) return
    const version = await put(here, ALICE, { pat: 'durable' })
    await put(here, BOB, { pat: 'revoked' })
    await remove(here, BOB)
    const later = await reconnect()
    assert.deepEqual(await valuesOf(later, ALICE), { pat: 'durable' })
    assert.equal(refOf(await later.stat(ALICE, call())), version.ref)
    assert.equal((await later.stat(BOB, call())).status, 'revoked')
    assert.equal(later.locate(ALICE), here.locate(ALICE))
  })

  check('derived keys are 32 bytes, one for each purpose, the same everywhere', async ({ here, there, reconnect }) => {
    if (!here.deriveKey) return
    const key = here.deriveKey('web')
    assert.equal(key.length, 32)
    assert.notDeepEqual(key, here.deriveKey('other'))
    assert.deepEqual(key, there.deriveKey?.('web'))
    if (reconnect) assert.deepEqual(key, (await reconnect()).deriveKey?.('web'))
  })

  check('earlier versions are listed newest first, or not at all', async ({ here }) => {
    const refs = [await put(here, ALICE, { pat: 'one' }), await put(here, ALICE, { pat: 'two' })].map(({ ref }) => ref)
    const history = await here.history?.(ALICE, call())
    if (history)
      assert.deepEqual(
        history.map(({ ref }) => ref),
        refs.toReversed(),
      )
    assert.ok(!inspect(history).includes('one'))
  })

  describeLabels(check, ALICE)
  describeRaces(check, ALICE)
  describeVendorOperator(check, ALICE)
  describeFaults(check, ALICE, faults)
}
