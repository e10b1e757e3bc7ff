import type { BenchSession } from '../mcp-session.ts'
import type { InspectedProcess } from './inspected-process.ts'

/** One way to the same MCP server, which is compared with others. */
export interface Side {
  readonly name: string
  readonly sessions: readonly BenchSession[]
  /** What is measured beside the time. */
  readonly process?: InspectedProcess
}

const TOOL = 'whose'
/** Calls before the first that counts: neither side is to answer for code that has not been compiled yet. */
const WARM_UP = { oneCaller: 300, allCallers: 6_000, milliseconds: 15_000 }

/** Milliseconds of each call by one caller, by the name of the side. The sides take turns at every call. */
export async function oneCaller(sides: readonly Side[], seconds: number): Promise<ReadonlyMap<string, number[]>> {
  const samples = new Map(sides.map(({ name }) => [name, [] as number[]]))
  let end = Number.POSITIVE_INFINITY
  for (let turn = 0; performance.now() < end; turn += 1) {
    for (const { name, sessions } of turn % 2 ? sides : sides.toReversed()) {
      const before = performance.now()
      await answered(sessions[0], name)
      samples.get(name)?.push(performance.now() - before)
    }
    if (turn !== WARM_UP.oneCaller) continue
    for (const list of samples.values()) list.length = 0
    end = performance.now() + seconds * 1000
  }
  return samples
}

export interface Load {
  /** Calls a second. */
  readonly rate: number
  /** Microseconds of the process's CPU for each call. */
  readonly cpu: number
}

/** Calls of all sessions of a side at once, in rounds by turns. */
export async function allCallers(sides: readonly Side[], seconds: number): Promise<ReadonlyMap<string, Load>> {
  const rounds = Math.max(4, 2 * Math.ceil(seconds))
  const tallies = new Map(sides.map(({ name }) => [name, { calls: 0, spent: 0, cpu: 0 }]))
  for (const side of sides) await warmUp(side)
  for (let round = 0; round < rounds; round += 1) {
    for (const side of round % 2 ? sides : sides.toReversed()) {
      const tally = tallies.get(side.name)
      if (!tally) continue
      const used = (await side.process?.cpu()) ?? 0
      const before = performance.now()
      tally.calls += await callFor(side, (seconds * 1000) / rounds)
      tally.spent += performance.now() - before
      tally.cpu += ((await side.process?.cpu()) ?? 0) - used
    }
  }
  return new Map(
    [...tallies].map(([name, { calls, spent, cpu }]) => [name, { rate: (calls / spent) * 1000, cpu: cpu / calls }]),
  )
}

/** Calls of one caller, one after the other. */
export async function callTimes({ name, sessions }: Side, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) await answered(sessions[0], name)
}

async function warmUp(side: Side): Promise<void> {
  const end = performance.now() + WARM_UP.milliseconds
  for (let calls = 0; calls < WARM_UP.allCallers && performance.now() < end; ) calls += await callFor(side, 500)
}

async function callFor({ name, sessions }: Side, milliseconds: number): Promise<number> {
  const end = performance.now() + milliseconds
  let count = 0
  const caller = async (session: BenchSession) => {
    while (performance.now() < end) {
      await answered(session, name)
      count += 1
    }
  }
  await Promise.all(sessions.map(caller))
  return count
}

async function answered(session: BenchSession | undefined, name: string): Promise<void> {
  const text = await session?.call(TOOL)
  if (!/^\w{4}$/.test(text ?? '')) throw new Error(`${name} answered: ${text}`)
}
