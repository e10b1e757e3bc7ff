import { expect, test } from 'vitest'
import type { PendingStore } from '../../src/core/ports/pending-store.ts'
import { memoryPendingStore } from '../../src/pending/memory-pending-store.ts'
import { describePendingStore } from '../../src/testing/pending-store/suite.ts'

/** Runs those tests of the suite that are about `closeAll` over a store, and returns the promises that it breaks. */
async function brokenBy(spoil: (store: PendingStore) => Partial<PendingStore>): Promise<string[]> {
  const checks: [string, () => Promise<void>][] = []
  describePendingStore({
    test: (name, run) => name.includes('closeAll') && checks.push([name, run]),
    async create(limits) {
      const real = memoryPendingStore(limits)
      const store = { ...real, ...spoil(real) }
      return { here: store, there: store, close: () => real.shutdown() }
    },
  })
  const broken: string[] = []
  for (const [name, run] of checks) await run().catch(() => broken.push(name.replace('pending store: ', '')))
  return broken
}

type CloseAll = NonNullable<PendingStore['closeAll']>
const closeAllOf =
  (store: PendingStore): CloseAll =>
  async (...given) =>
    (await store.closeAll?.(...given)) ?? []

test('a good store breaks no promise of closeAll', async () => {
  expect(await brokenBy(() => ({}))).toEqual([])
})

const DEFECTS: Record<string, { spoil: (store: PendingStore) => Partial<PendingStore>; breaks: RegExp }> = {
  'closing nothing': {
    spoil: () => ({ closeAll: async () => [] }),
    breaks:
      /open and claimed entries.*neither claimed, renewed nor saved.*read the outcome.*frees the slots.*has expired/,
  },
  'returning nothing': {
    spoil: (real) => ({
      async closeAll(...given) {
        await closeAllOf(real)(...given)
        return []
      },
    }),
    breaks: /open and claimed entries/,
  },
  'returning entries as they were': {
    spoil: (real) => ({
      closeAll: async (...given) =>
        (await closeAllOf(real)(...given)).map(({ outcome: _, ...entry }) => ({ ...entry, state: 'open' })),
    }),
    breaks: /open and claimed entries.*read the outcome/,
  },
  'always cancelling': {
    spoil: (real) => ({ closeAll: (owner) => closeAllOf(real)(owner, 'cancelled') }),
    breaks: /read the outcome/,
  },
  'leaving those that a call waits for': {
    spoil(real) {
      const waited = new Set<string>()
      return {
        async openOrReuse(entry, waiterId) {
          const stored = await real.openOrReuse(entry, waiterId)
          if (waiterId !== undefined) waited.add(stored.owner)
          return stored
        },
        closeAll: async (owner, outcome) => (waited.has(owner) ? [] : closeAllOf(real)(owner, outcome)),
      }
    },
    breaks: /read the outcome/,
  },
  'refusing the owner from then on': {
    spoil(real) {
      const gone = new Set<string>()
      return {
        async closeAll(owner, outcome) {
          gone.add(owner)
          return closeAllOf(real)(owner, outcome)
        },
        async openOrReuse(entry, waiterId) {
          const stored = await real.openOrReuse(entry, waiterId)
          if (gone.has(entry.owner)) await real.close(stored.key, 'cancelled')
          return stored
        },
      }
    },
    breaks: /entries made afterwards live/,
  },
  'closing everybody': {
    spoil(real) {
      const owners = new Set<string>()
      return {
        async openOrReuse(entry, waiterId) {
          owners.add(entry.owner)
          return real.openOrReuse(entry, waiterId)
        },
        async closeAll(owner, outcome) {
          const closed = await closeAllOf(real)(owner, outcome)
          for (const other of owners) await closeAllOf(real)(other, outcome)
          return closed
        },
      }
    },
    breaks: /open and claimed entries of one owner/,
  },
}

test.each(Object.keys(DEFECTS))('a store with the defect "%s" is found', async (name) => {
  const { spoil, breaks } = DEFECTS[name] ?? { spoil: () => ({}), breaks: /$^/ }
  expect((await brokenBy(spoil)).join(' ')).toMatch(breaks)
})

test('a store without closeAll says so to the suite, and passes the rest', async () => {
  const names: string[] = []
  const create = async () => {
    const store = memoryPendingStore()
    return { here: store, there: store, close: () => store.shutdown() }
  }
  describePendingStore({ test: (name) => names.push(name), create, closesAll: false })
  expect(names.filter((name) => name.includes('closeAll'))).toEqual([])
  expect(names.length).toBeGreaterThan(15)
})
