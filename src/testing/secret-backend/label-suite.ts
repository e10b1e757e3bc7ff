import assert from 'node:assert/strict'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { SecretBackend, StoredVersion, VersionLabels } from '../../core/ports/secret-backend.ts'
import { call, put, refOf, remove, valuesOf } from './calls.ts'
import type { SecretBackendHarness } from './harness.ts'
import type { VendorCheck } from './vendor-suite.ts'

type Mark = (version: StoredVersion, rejectedAt: Date | undefined) => Promise<boolean>

const LABELS = {
  expiresAt: new Date('2031-01-31T12:00:00Z'),
  accountName: 'Zoë Müller <zoe@example.com>',
  unverified: true,
} as const
const NOW = new Date('2026-11-27T16:55:00Z')

/** Registers tests that labels stay with their version. A backend without `markRejected` keeps no labels. */
export function describeLabels(check: VendorCheck, key: StorageKey): void {
  function labelled(promise: string, run: (harness: SecretBackendHarness, mark: Mark) => Promise<void>): void {
    check(`labels: ${promise}`, async (harness) => {
      const { here } = harness
      if (here.markRejected)
        return run(harness, async (version, at) => here.markRejected?.(key, version, at, call()) ?? false)
      // Saves with labels succeed without them.
      await put(here, key, { pat: 'unlabelled' }, { labels: LABELS })
      assert.deepEqual(await valuesOf(here, key), { pat: 'unlabelled' })
    })
  }

  labelled('those of a save are found with its version, and are gone with the next', async ({ here, there }) => {
    await put(here, key, { pat: 'one' }, { labels: LABELS })
    assert.deepEqual(await labelsOf(there, key), LABELS)
    await put(there, key, { pat: 'two' })
    assert.deepEqual(await labelsOf(here, key), {})
    await put(here, key, { pat: 'three' }, { labels: { accountName: 'zoe' } })
    assert.deepEqual(await labelsOf(here, key), { accountName: 'zoe' })
    assert.deepEqual(await valuesOf(here, key), { pat: 'three' })
  })

  labelled(
    'a mark is found by everybody, by stat and by read, and changes neither value nor version',
    async (of, mark) => {
      const { here, there } = of
      const version = await put(here, key, { pat: 'refused' }, { labels: LABELS })
      assert.equal(await mark(version, NOW), true)
      assert.deepEqual(await labelsOf(there, key), { ...LABELS, rejectedAt: NOW })
      assert.deepEqual((await readLabels(there, key)).rejectedAt, NOW)
      assert.deepEqual(await valuesOf(here, key), { pat: 'refused' })
      assert.equal(refOf(await here.stat(key, call())), version.ref)
      assert.equal(await mark(version, NOW), true)
    },
  )

  labelled('a mark that is taken back is gone, and taking it back twice is no error', async ({ here, there }, mark) => {
    const version = await put(here, key, { pat: 'refused by mistake' }, { labels: LABELS })
    await mark(version, NOW)
    assert.equal(await mark(version, undefined), true)
    assert.deepEqual(await labelsOf(there, key), LABELS)
    assert.equal((await readLabels(there, key)).rejectedAt, undefined)
    assert.equal(await mark(version, undefined), true)
    assert.deepEqual(await valuesOf(here, key), { pat: 'refused by mistake' })
  })

  labelled('a mark for an older version, or for none, marks nothing', async ({ here }, mark) => {
    const first = await put(here, key, { pat: 'one' })
    await put(here, key, { pat: 'two' })
    assert.equal(await mark(first, NOW), false)
    assert.deepEqual(await labelsOf(here, key), {})
    await remove(here, key, { purge: true })
    assert.equal(await mark(first, NOW), false)
    assert.equal((await here.stat(key, call())).status, 'absent')
  })

  labelled('a mark does not outlive its version', async ({ here, there }, mark) => {
    for (const pat of ['one', 'two', 'three']) {
      const version = await put(here, key, { pat })
      assert.deepEqual(await labelsOf(there, key), {})
      assert.equal(await mark(version, NOW), true)
    }
    await put(there, key, { pat: 'accepted' })
    assert.deepEqual(await labelsOf(here, key), {})
    assert.equal((await readLabels(here, key)).rejectedAt, undefined)
  })

  labelled('marks that meet saves are never on another version', async ({ here, there }, mark) => {
    for (let round = 0; round < 5; round += 1) {
      const version = await put(here, key, { pat: 'refused' })
      const [next] = await Promise.all([put(there, key, { pat: 'new' }), mark(version, NOW)])
      assert.equal(refOf(await here.stat(key, call())), next.ref)
      assert.equal((await labelsOf(here, key)).rejectedAt, undefined)
      assert.deepEqual(await valuesOf(here, key), { pat: 'new' })
    }
  })

  labelled(
    'a revocation comes before a mark, and nothing of either is left at the next save',
    async ({ here }, mark) => {
      const version = await put(here, key, { pat: 'refused' }, { labels: LABELS })
      await mark(version, NOW)
      await remove(here, key)
      assert.equal((await here.read(key, call())).status, 'revoked')
      assert.equal((await here.stat(key, call())).status, 'revoked')
      assert.equal(await mark(version, NOW), false)
      assert.equal((await here.stat(key, call())).status, 'revoked')
      await put(here, key, { pat: 'renewed' })
      assert.deepEqual(await labelsOf(here, key), {})
      assert.deepEqual(await valuesOf(here, key), { pat: 'renewed' })
    },
  )

  labelled('a value that was rotated by hand has none, and can be marked', async ({ here, vendor }, mark) => {
    const version = await put(here, key, { pat: 'refused' }, { labels: LABELS })
    await mark(version, NOW)
    if (!vendor) return
    await vendor.put(key, { pat: 'by hand' })
    assert.deepEqual(await labelsOf(here, key), {})
    assert.equal((await readLabels(here, key)).rejectedAt, undefined)
    assert.equal(await mark(version, NOW), false)
    const status = await here.stat(key, call())
    assert.equal(status.status === 'active' && (await mark(status.version, NOW)), true)
    assert.deepEqual(await labelsOf(here, key), { rejectedAt: NOW })
    assert.deepEqual(await valuesOf(here, key), { pat: 'by hand' })
  })
}

/** Labels as `stat` returns them, without undefined ones. */
async function labelsOf(backend: SecretBackend, key: StorageKey): Promise<VersionLabels> {
  return present(await backend.stat(key, call()))
}

async function readLabels(backend: SecretBackend, key: StorageKey): Promise<VersionLabels> {
  return present(await backend.read(key, call()))
}

function present(found: { readonly status: string; readonly labels?: VersionLabels }): VersionLabels {
  assert.equal(found.status, 'active')
  return Object.fromEntries(Object.entries(found.labels ?? {}).filter(([, value]) => value !== undefined))
}
