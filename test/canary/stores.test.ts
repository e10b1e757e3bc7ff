import { writeSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { type FlowReport, runCanary } from './canary.ts'
import { type DebugOutput, searchDebugOutput } from './debug-output.ts'
import { storeFlows } from './flows.ts'
import { sinks } from './sinks.ts'
import { awsStore, vaultStore } from './stores.ts'
import { leaksIn, tableOf } from './table.ts'

const STORES = { vault: vaultStore, 'aws-secrets-manager': awsStore } as const
type StoreName = keyof typeof STORES

const reports = new Map<StoreName, readonly FlowReport[]>()
const debug = new Map<StoreName, DebugOutput>()

beforeAll(async () => {
  const names = ['vault', 'aws-secrets-manager'] as const
  // They wait for deadlines most of the time, so they wait together; but one process has one standard output to watch.
  const watched = async () => {
    for (const name of names)
      reports.set(name, await runCanary({ flows: storeFlows(name), sinks, openStore: STORES[name] }))
  }
  await Promise.all([watched(), ...names.map(async (name) => debug.set(name, await searchDebugOutput(name)))])
}, 1_200_000)

describe.each(['vault', 'aws-secrets-manager'] as const)('%s', (name) => {
  test('no secret arrives in any sink, whatever happens to the store', () => {
    const found = reports.get(name) ?? []
    writeSync(1, `\nSecrets by flow and sink, kept in ${name}:\n\n${tableOf(found)}\n\n`)
    const problems = found.filter(({ problem }) => problem !== undefined)
    expect(problems.map(({ flow, problem }) => `${flow}: ${problem}`)).toEqual([])
    expect(found.length).toBe(storeFlows(name).length)
    expect(leaksIn(found)).toEqual([])
  })

  test('nor in what DEBUG=* and NODE_DEBUG=* print', () => {
    const { summary, bytes, ours } = debug.get(name) ?? { summary: '', bytes: 0, ours: [] }
    expect(summary).toMatch(/^\[flows\] (\d+) of \1 $/)
    expect(bytes).toBeGreaterThan(100_000)
    expect(ours).toEqual([])
  })
})
