import { parseArgs } from 'node:util'
import { summary } from './figures.ts'
import { loadReplicas } from './load.ts'

// npm run bench:replicas -- --minutes N --users N
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, users: { type: 'string', default: '24' } },
})
const seconds = Number(values.minutes) * 60
const users = Number(values.users)
if (!(seconds > 0 && seconds <= 86_400) || !(users >= 1 && users <= 1000)) {
  console.error('--minutes is a number from 0 to 1440, --users one from 1 to 1000')
  process.exit(2)
}
// Only an exit of our own ends the servers that were started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const figures = await loadReplicas({ seconds, users })
for (const problem of figures.problems) console.error(problem)
for (const text of new Set(figures.refused)) console.error(`other answer: ${text.slice(0, 300)}`)
console.log(summary(figures, seconds))
process.exit(figures.problems.length === 0 ? 0 : 1)
