import { writeSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { type FlowReport, runCanary } from './canary.ts'
import { type DebugOutput, isPrintedByStream, linesOfBareServer, searchDebugOutput } from './debug-output.ts'
import { flows } from './flows.ts'
import { sinks } from './sinks.ts'
import { leaksIn, tableOf } from './table.ts'

let reports: readonly FlowReport[]
let debug: DebugOutput

beforeAll(async () => {
  // Both wait for deadlines most of the time, so they wait together.
  ;[reports, debug] = await Promise.all([runCanary({ flows, sinks }), searchDebugOutput()])
  // Past the test runner's own console, which would wrap it.
  writeSync(1, `\nSecrets by flow and sink:\n\n${tableOf(reports)}\n\n`)
}, 1_200_000)

test('every flow did what it says', () => {
  const problems = reports.filter(({ problem }) => problem !== undefined)
  expect(problems.map(({ flow, problem }) => `${flow}: ${problem}`)).toEqual([])
})

test('no secret arrived in any sink', () => {
  expect(leaksIn(reports)).toEqual([])
})

test('names of flows and sinks are each given once', () => {
  for (const list of [flows, sinks]) expect(new Set(list.map(({ name }) => name)).size).toBe(list.length)
})

test('with DEBUG=* and NODE_DEBUG=* nothing of ours prints a secret', () => {
  expect(debug.summary).toMatch(/^\[flows\] (\d+) of \1 $/)
  expect(debug.bytes).toBeGreaterThan(1_000_000)
  expect(debug.ours).toEqual([])
})

test("Node's own debugging prints posted forms, without any of our code", async () => {
  const lines = await linesOfBareServer()
  expect(lines.length).toBeGreaterThan(0)
  expect(lines.filter((line) => !isPrintedByStream(line))).toEqual([])
})

test('every sink had something to search, or is one where nothing should ever arrive', () => {
  const silent = sinks.filter(({ name }) => reports.every(({ bySink }) => (bySink.get(name)?.bytes ?? 0) <= 1))
  expect(silent.map(({ name }) => name)).toEqual(['stdout', 'warnings', 'other destinations'])
})
