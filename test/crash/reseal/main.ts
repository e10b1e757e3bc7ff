import { parseArgs } from 'node:util'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { killReseals } from './reseal-kills.ts'

// npm run test:crash:reseal -- --records N --kills N --users N
const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '10000' },
    kills: { type: 'string', default: '50' },
    users: { type: 'string', default: '20' },
  },
})
const [records = 0, kills = 0, users = 0] = [values.records, values.kills, values.users].map(Number)
if (![records, kills, users].every((number) => Number.isInteger(number) && number > 0))
  throw new Error('--records, --kills and --users take whole numbers from 1')

await sodiumReady()
const start = performance.now()
const report = await killReseals({ records, kills, users }, (done) => console.log(`${done} kills`))
for (const problem of report.problems.slice(0, 20)) console.log(problem)
const seconds = ((performance.now() - start) / 1000).toFixed(0)
console.log(
  `${report.records} records, ${report.kills} kills in ${seconds} s, ${report.midway} of them midway, ` +
    `${users} users saved ${report.saves} times; ` +
    `the longest whole pass took ${(report.passMs / 1000).toFixed(1)} s: ` +
    (report.problems.length === 0 ? 'every record opens' : `${report.problems.length} problems`),
)
process.exitCode = report.problems.length === 0 ? 0 : 1
