import { parseArgs } from 'node:util'
import { killTimes } from './kills.ts'

// npm run test:crash -- --times N
const { values } = parseArgs({ options: { times: { type: 'string', default: '1000' } } })
const times = Number(values.times)
if (!Number.isInteger(times) || times < 1) throw new Error('--times takes a whole number from 1')

const start = performance.now()
let shown = 0
const sum = await killTimes(times, ({ kills, acknowledged, problems }) => {
  if (kills < shown + 100 && problems.length === 0) return
  shown = kills
  console.log(`${kills} kills, ${acknowledged} acknowledged steps, ${problems.length} problems`)
})
for (const problem of sum.problems) console.log(problem)
const seconds = ((performance.now() - start) / 1000).toFixed(0)
const counts = `${sum.kills} kills in ${seconds} s, ${sum.inFlight} of them with steps in flight, ${sum.acknowledged} acknowledged steps`
console.log(
  sum.problems.length === 0
    ? `${counts}: none lost, none undone, none unreadable, every audit line there, every start succeeded, ${sum.leftovers} temporary files left and all swept`
    : `${counts}: ${sum.problems.length} problems`,
)
process.exitCode = sum.problems.length === 0 ? 0 : 1
