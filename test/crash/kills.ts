import { join } from 'node:path'
import { compiled } from '../harness/processes/compile-module.ts'
import { sufferKills, type WorldReport } from './world.ts'

const KILLS_PER_STORE = 20
/** Two stores at a time keep two processors busy. */
const AT_ONCE = 2

/** Kills processes so many times, over as many stores as that takes. Ends early with the first problem. */
export async function killTimes(
  times: number,
  onProgress: (sum: WorldReport) => void = () => {},
): Promise<WorldReport> {
  const child = compiled(join(import.meta.dirname, 'child.ts'))
  let sum: WorldReport = { kills: 0, acknowledged: 0, inFlight: 0, leftovers: 0, problems: [] }
  let given = 0

  async function work(): Promise<void> {
    while (given < times && sum.problems.length === 0) {
      const share = Math.min(KILLS_PER_STORE, times - given)
      given += share
      const report = await sufferKills(child, share)
      sum = added(sum, report)
      onProgress(sum)
    }
  }

  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return sum
}

function added(a: WorldReport, b: WorldReport): WorldReport {
  return {
    kills: a.kills + b.kills,
    acknowledged: a.acknowledged + b.acknowledged,
    inFlight: a.inFlight + b.inFlight,
    leftovers: a.leftovers + b.leftovers,
    problems: [...a.problems, ...b.problems],
  }
}
