import { writeSync } from 'node:fs'
import { runCanary } from './canary.ts'
import { flows } from './flows.ts'
import { canarySet } from './secrets.ts'

// Every flow, with whatever DEBUG and NODE_DEBUG make this process print, for another process to search. A line before each flow says
// which one it is.
const reports = await runCanary({
  flows,
  sinks: [],
  secrets: canarySet(process.env['CANARY_SEED']),
  quiet: false,
  onFlow: (name) => void writeSync(2, `\n[flow] ${name}\n`),
})
const problems = reports
  .filter(({ problem }) => problem !== undefined)
  .map(({ flow, problem }) => `${flow}: ${problem}`)
writeSync(2, `\n[flows] ${reports.length - problems.length} of ${reports.length} ${problems.join('; ')}\n`)
