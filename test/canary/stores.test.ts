import { writeSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { sodiumReady } from '../../src/core/crypto/sodium.ts'
import { type FlowReport, runCanary } from './canary.ts'
import { type DebugOutput, searchDebugOutput } from './debug-output.ts'
import { createDetector } from './detector.ts'
import { ENCODINGS } from './encodings.ts'
import { type Flow, flow } from './flow.ts'
import { envelopeFlows, storeFlows } from './flows.ts'
import { type CanarySet, canarySet } from './secrets.ts'
import { heldByStore, sinks } from './sinks.ts'
import { type StoreName, startStoreServer } from './stores.ts'
import { leaksIn, tableOf } from './table.ts'

const STORES = ['vault', 'aws-secrets-manager'] as const

const reports = new Map<StoreName, readonly FlowReport[]>()
const sealed = new Map<StoreName, readonly FlowReport[]>()
/** What the search of the store itself finds when somebody leaks into it, by encoding. */
const planted = new Map<StoreName, Map<string, readonly string[]>>()
const debug = new Map<StoreName, DebugOutput>()

beforeAll(async () => {
  await sodiumReady()
  // They wait for deadlines most of the time, so they wait together; but one process has one standard output to watch.
  const watched = async () => {
    for (const name of STORES) await watch(name)
  }
  await Promise.all([watched(), ...STORES.map(async (name) => debug.set(name, await searchDebugOutput(name)))])
}, 1_200_000)

async function watch(name: StoreName): Promise<void> {
  const server = await startStoreServer(name)
  try {
    reports.set(name, await runCanary({ flows: storeFlows(name), sinks, openStore: server.plain }))
    const keys = [generateKeyText(), generateKeyText(), generateKeyText()]
    const secrets = withKeys(canarySet(), keys)
    const found = new Map<string, readonly string[]>()
    planted.set(name, found)
    const flows = [...envelopeFlows, leaksIntoStore(secrets, found)]
    const all = [...sinks, heldByStore]
    sealed.set(name, await runCanary({ flows, sinks: all, secrets, openStore: server.sealed(keys) }))
  } finally {
    await server.close()
  }
}

/** The envelope's keys are as secret as what they seal. */
function withKeys(secrets: CanarySet, keys: readonly string[]): CanarySet {
  const canaries = keys.map((value, at) => {
    return { kind: `envelope key ${at + 1}`, value, fragments: [value.slice(8, 28), value.slice(-20)] }
  })
  return {
    ...secrets,
    canaries: [...secrets.canaries, ...canaries],
  }
}

/** Leaks on purpose, in every encoding, and cleans up: the search of the store can only be believed when it finds that. */
function leaksIntoStore(secrets: CanarySet, found: Map<string, readonly string[]>): Flow {
  const detector = createDetector(secrets)
  return flow('leaks on purpose', async (world) => {
    const leak = async (name: string, text: string) => {
      const undo = (await heldByStore.plant(world, text)) as () => Promise<void>
      found.set(name, detector.findIn(await heldByStore.read(world)))
      await undo()
    }
    for (const [name, encode] of Object.entries(ENCODINGS))
      await leak(name, secrets.canaries.map(({ value }) => encode(value)).join('\n'))
    await leak('short', secrets.short)
    await leak('nothing', 'nothing to see')
  })
}

const KINDS = withKeys(canarySet(), ['1', '2', '3']).canaries.map(({ kind }) => kind)

const problemsOf = (found: readonly FlowReport[]) =>
  found.filter(({ problem }) => problem !== undefined).map(({ flow, problem }) => `${flow}: ${problem}`)

describe.each(STORES)('%s', (name) => {
  test('no secret arrives in any sink, whatever happens to the store', () => {
    const found = reports.get(name) ?? []
    writeSync(1, `\nSecrets by flow and sink, kept in ${name}:\n\n${tableOf(found)}\n\n`)
    expect(problemsOf(found)).toEqual([])
    expect(found.length).toBe(storeFlows(name).length)
    expect(leaksIn(found)).toEqual([])
  })

  test('behind a sealed envelope neither a sink nor the store itself has a secret, nor a key of the envelope', () => {
    const found = sealed.get(name) ?? []
    writeSync(1, `\nSecrets by flow and sink, sealed before they are kept in ${name}:\n\n${tableOf(found)}\n\n`)
    expect(problemsOf(found)).toEqual([])
    expect(found.length).toBe(envelopeFlows.length + 1)
    expect(leaksIn(found)).toEqual([])
    // The store was searched after each flow, and held something.
    const held = found.slice(0, -1).map(({ bySink }) => bySink.get(heldByStore.name)?.bytes ?? 0)
    expect(Math.min(...held)).toBeGreaterThan(300)
  })

  test.each([...Object.keys(ENCODINGS), 'short', 'nothing'])(
    'a leak into the store itself is found: %s',
    (encoding) => {
      const kinds = planted.get(name)?.get(encoding) ?? ['not searched']
      const wanted = encoding === 'nothing' ? [] : encoding === 'short' ? ['short'] : KINDS
      expect([...kinds].sort()).toEqual([...wanted].sort())
    },
  )

  test('nor in what DEBUG=* and NODE_DEBUG=* print', () => {
    const { summary, bytes, ours } = debug.get(name) ?? { summary: '', bytes: 0, ours: [] }
    expect(summary).toMatch(/^\[flows\] (\d+) of \1 $/)
    expect(bytes).toBeGreaterThan(100_000)
    expect(ours).toEqual([])
  })
})
