// Runs the canary by hand: every flow, or those whose names hold the first argument. Prints the table, the leaks and the slowest flows.
import { runCanary } from './canary.ts'
import { flows } from './flows.ts'
import { canarySet } from './secrets.ts'
import { sinks } from './sinks.ts'
import { leaksIn, tableOf } from './table.ts'

const only = process.argv[2]
const reports = await runCanary({
  flows: flows.filter(({ name }) => only === undefined || name.includes(only)),
  sinks,
  secrets: canarySet(process.env['CANARY_SEED']),
})
process.stdout.write(`${tableOf(reports)}\n\n${leaksIn(reports).join('\n')}\n`)
process.stdout.write(
  `${reports
    .map(({ flow, milliseconds }) => `${Math.round(milliseconds)} ${flow}`)
    .sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))
    .slice(0, 12)
    .join('\n')}\n`,
)
