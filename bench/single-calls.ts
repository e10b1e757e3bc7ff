import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchSession } from './mcp-session.ts'
import { type Measure, median } from './measure.ts'

const LINE = Buffer.alloc(600, 'x')

/** What a user waits longer for a gated call while nobody else calls: by turns with an ungated call, and with a sync of the same disk. */
export async function singleCalls(sessions: readonly BenchSession[], seconds: number): Promise<Measure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-sync-'))
  const file = openSync(join(folder, 'lines'), 'a')
  const times = { gated: [] as number[], ungated: [] as number[], sync: [] as number[] }
  const end = performance.now() + seconds * 1000
  try {
    for (let turn = 0; performance.now() < end || turn < 50; turn += 1) {
      const session = sessions[turn % sessions.length]
      for (const tool of ['gated', 'ungated'] as const) times[tool].push(await timed(async () => session?.call(tool)))
      times.sync.push(await timed(async () => syncLine(file)))
    }
  } finally {
    closeSync(file)
    rmSync(folder, { recursive: true })
  }
  const sync = median(times.sync)
  const added = median(times.gated) - median(times.ungated)
  return [
    measure('gated-added-p50', added, `≤ ${(sync + 0.3).toFixed(2)}: one fdatasync and 0.3`),
    measure('fdatasync-p50', sync, 'for orientation'),
  ]
}

function syncLine(file: number): void {
  writeSync(file, LINE)
  fdatasyncSync(file)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now()
  await work()
  return performance.now() - before
}

function measure(name: string, value: number, goal: string): Measure {
  return { name, value: Number(value.toPrecision(4)), unit: 'ms', goal }
}
