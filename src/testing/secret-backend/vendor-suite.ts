import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import { call, put, refOf, remove, statusOfAll, valuesOf } from './calls.ts'
import type { SecretBackendHarness, VendorOperator } from './harness.ts'

export type VendorCheck = (promise: string, run: (harness: SecretBackendHarness) => Promise<void>) => void

/** Registers tests that changes made with the vendor's own tools are recognised. */
export function describeVendorOperator(check: VendorCheck, key: StorageKey): void {
  function asOperator(promise: string, run: (here: SecretBackend, vendor: VendorOperator) => Promise<void>): void {
    check(`by hand: ${promise}`, async ({ here, there, vendor }) => {
      if (vendor) return run(here, vendor)
      // Only this library reaches the credentials, so the backend names no other tool.
      await put(here, key, { pat: 'only ours' })
      assert.equal(here.rotateCommand, undefined)
      assert.deepEqual(await valuesOf(there, key), { pat: 'only ours' })
    })
  }

  asOperator(
    'a rotated value is used, under a new version, and nothing noted about the old one is believed',
    async (here, vendor) => {
      const before = await put(here, key, { pat: 'before', site: 'kept in the old one only' })
      await vendor.put(key, { pat: 'rotated' })
      assert.deepEqual(await valuesOf(here, key), { pat: 'rotated' })
      const status = await here.stat(key, call())
      assert.notEqual(refOf(status), before.ref)
      if (status.status === 'active' && status.fields) assert.deepEqual(status.fields, ['pat'])
      await assert.rejects(put(here, key, { pat: 'late' }, { expect: { version: before.ref } }), isConflict)
    },
  )

  asOperator('a value that was made there first is read', async (here, vendor) => {
    await vendor.put(key, { pat: 'made by hand' })
    assert.deepEqual(await valuesOf(here, key), { pat: 'made by hand' })
    assert.equal((await here.stat(key, call())).status, 'active')
  })

  asOperator('a deleted credential is revoked, and active again once that is taken back', async (here, vendor) => {
    const { ref } = await put(here, key, { pat: 'canary-of-delete' })
    await vendor.remove(key)
    for (const status of [await here.read(key, call()), await here.stat(key, call())]) {
      assert.equal(status.status, 'revoked')
      assert.ok(!inspect(status, { depth: 9 }).includes('canary-of-delete'))
    }
    await vendor.restore(key)
    assert.deepEqual(await valuesOf(here, key), { pat: 'canary-of-delete' })
    assert.equal(refOf(await here.stat(key, call())), ref)
  })

  asOperator('after a deletion the user connects anew, and the deleted value never shows', async (here, vendor) => {
    await put(here, key, { pat: 'deleted' })
    await vendor.remove(key)
    const seen = new Set<string>()
    let done = false
    const watching = (async () => {
      while (!done) {
        const found = await here.read(key, call())
        seen.add(found.status === 'active' ? String(found.values['pat']) : found.status)
      }
    })()
    await put(here, key, { pat: 'anew' }, { expect: 'absent' })
    done = true
    await watching
    assert.ok(!seen.has('deleted'), [...seen].join())
    assert.deepEqual(await valuesOf(here, key), { pat: 'anew' })
  })

  asOperator('a destroyed credential is revoked for good', async (here, vendor) => {
    await put(here, key, { pat: 'destroyed' })
    await vendor.destroy(key)
    assert.equal((await here.read(key, call())).status, 'revoked')
    assert.equal((await here.stat(key, call())).status, 'revoked')
    await put(here, key, { pat: 'anew' })
    assert.deepEqual(await valuesOf(here, key), { pat: 'anew' })
  })

  asOperator('a roll-back brings the value before', async (here, vendor) => {
    await put(here, key, { pat: 'first' })
    const second = await put(here, key, { pat: 'second' })
    await vendor.rollBack(key)
    assert.deepEqual(await valuesOf(here, key), { pat: 'first' })
    assert.equal((await statusOfAll(here)).get(key.path), 'active')
    assert.notEqual(refOf(await here.stat(key, call())), second.ref)
  })

  asOperator('a purged credential is absent, and one made anew is none of its versions', async (here, vendor) => {
    const refs = [(await put(here, key, { pat: 'one' })).ref, (await put(here, key, { pat: 'two' })).ref]
    await vendor.purge(key)
    assert.deepEqual(await here.read(key, call()), { status: 'absent' })
    assert.deepEqual(await here.stat(key, call()), { status: 'absent' })
    await vendor.put(key, { pat: 'three' })
    await vendor.put(key, { pat: 'four' })
    assert.deepEqual(await valuesOf(here, key), { pat: 'four' })
    for (const ref of refs) {
      await assert.rejects(put(here, key, { pat: 'late' }, { expect: { version: ref } }), isConflict)
      await assert.rejects(remove(here, key, { expect: { version: ref } }), isConflict)
    }
    assert.deepEqual(await valuesOf(here, key), { pat: 'four' })
  })

  asOperator('a value of another shape is never taken for a credential, and never quoted', async (here, vendor) => {
    await vendor.put(key, { pat: { nested: 'canary-of-shape' }, count: 3 })
    const found = await here.read(key, call())
    assert.equal(found.status, 'active')
    assert.notEqual(typeof (found.status === 'active' && found.values['pat']), 'string')
    if (!vendor.putText) return
    await vendor.putText(key, 'canary-of-text')
    await assert.rejects(
      async () => here.read(key, call()),
      (error) =>
        isCredentialVaultError(error, 'credential_malformed') &&
        !inspect(error, { depth: 9 }).includes('canary-of-text'),
    )
  })

  asOperator('where it is and how it is rotated is told, without a value', async (here) => {
    await put(here, key, { pat: 'canary-of-command' })
    const { command = '', input = '' } = here.rotateCommand?.(key, ['pat', 'site']) ?? {}
    assert.deepEqual(Object.keys(JSON.parse(input)), ['pat', 'site'])
    assert.ok(command !== '' && !command.includes('#'))
    assert.ok(!(command + input).includes('canary-of-command'))
    assert.notEqual(here.locate(key), '')
  })
}

function isConflict(error: unknown): boolean {
  return isCredentialVaultError(error, 'conflict')
}
