import assert from 'node:assert/strict'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { SecretBackend, WriteIntent } from '../../core/ports/secret-backend.ts'
import { call, conflict, put, remove, valuesOf } from './calls.ts'
import type { SecretBackendHarness } from './harness.ts'
import type { VendorCheck } from './vendor-suite.ts'

const ROUNDS = 6

/** What core gives a save that goes by the look before it. */
async function look(backend: SecretBackend, key: StorageKey): Promise<Pick<WriteIntent, 'expect' | 'found'>> {
  const found = await backend.stat(key, call())
  return { found, expect: found.status === 'active' ? { version: found.version.ref } : 'absent' }
}

/** Registers tests that a revocation and a save at the same time end as if one had come after the other. */
export function describeRaces(check: VendorCheck, key: StorageKey): void {
  check('a revocation beside a save that expects a version is not lost', async ({ here, there }) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { ref } = await put(here, key, { pat: `before ${round}` })
      const save = () => put(here, key, { pat: `after ${round}` }, { expect: { version: ref } })
      const [first, second] = round % 2 ? [save, () => remove(there, key)] : [() => remove(there, key), save]
      const both = await Promise.allSettled([first(), second()])
      for (const one of both) if (one.status === 'rejected') await conflict(Promise.reject(one.reason))
      await isRevoked(here, key)
    }
    await renews(here, key)
  })

  check('a save that goes by an earlier look is refused once something else is stored', async ({ here, there }) => {
    for (const isRevokedFirst of [false, true]) {
      await put(here, key, { pat: 'before' })
      if (isRevokedFirst) await remove(here, key)
      const earlier = await look(here, key)
      await put(there, key, { pat: 'meanwhile' })
      await conflict(put(here, key, { pat: 'late' }, earlier))
      assert.deepEqual(await valuesOf(here, key), { pat: 'meanwhile' })
      await put(here, key, { pat: 'in time' }, await look(here, key))
      assert.deepEqual(await valuesOf(here, key), { pat: 'in time' })
    }
    await remove(here, key)
    await put(here, key, { pat: 'again' }, await look(here, key))
    assert.deepEqual(await valuesOf(here, key), { pat: 'again' })
  })

  /** `between` happens after the look of a save of `here`, and before its change. */
  function during(
    promise: string,
    betweenOf: (harness: SecretBackendHarness) => (() => Promise<unknown>) | undefined,
  ): void {
    check(`a save that expects a version never brings back what ${promise} meanwhile`, async (harness) => {
      const between = betweenOf(harness)
      if (!harness.beforeChange || !between) return
      const { here } = harness
      for (const goesByLook of [false, true]) {
        const { ref } = await put(here, key, { pat: 'before' })
        const earlier = await look(here, key)
        let happened = false
        harness.beforeChange(async () => {
          await between()
          happened = true
        })
        await conflict(put(here, key, { pat: 'after' }, goesByLook ? earlier : { expect: { version: ref } }))
        assert.ok(happened, 'beforeChange of the harness runs what it is given')
        await isRevoked(here, key)
        await renews(here, key)
      }
    })
  }

  during(
    'somebody revokes',
    ({ there }) =>
      () =>
        remove(there, key),
  )
  during("an operator destroys with the vendor's tool", ({ vendor }) => vendor && (() => vendor.destroy(key)))
  during("an operator deletes with the vendor's tool", ({ vendor }) => vendor && (() => vendor.remove(key)))

  check('a revocation covers what is saved before its own change', async ({ here, there, beforeChange }) => {
    if (!beforeChange) return
    const { ref } = await put(here, key, { pat: 'before' })
    beforeChange(() => put(there, key, { pat: 'meanwhile' }, { expect: { version: ref } }))
    assert.equal(await remove(here, key), true)
    await isRevoked(here, key)
    const again = await put(here, key, { pat: 'before' })
    beforeChange(() => put(there, key, { pat: 'meanwhile' }))
    await conflict(remove(here, key, { expect: { version: again.ref } }))
    assert.deepEqual(await valuesOf(here, key), { pat: 'meanwhile' })
  })
}

async function isRevoked(backend: SecretBackend, key: StorageKey): Promise<void> {
  assert.equal((await backend.stat(key, call())).status, 'revoked')
  assert.equal((await backend.read(key, call())).status, 'revoked')
}

async function renews(backend: SecretBackend, key: StorageKey): Promise<void> {
  await put(backend, key, { pat: 'renewed' })
  assert.deepEqual(await valuesOf(backend, key), { pat: 'renewed' })
}
