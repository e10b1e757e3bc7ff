import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.ts'

// npm run test:fuzz -- --cases N --seed S
const { values } = parseArgs({
  options: { cases: { type: 'string', default: '1000000' }, seed: { type: 'string' } },
})
const cases = Number(values.cases)
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
if (!Number.isInteger(cases) || cases < 1 || !Number.isInteger(seed)) throw new Error('--cases takes a whole number')

const start = performance.now()
console.log(`seed ${seed}`)
const reports = await fuzz(cases, seed, ({ name, cases: done, milliseconds, slowest, problem }) => {
  const times = `${(milliseconds / 1000).toFixed(1).padStart(6)} s, slowest case ${slowest.toFixed(0)} ms`
  console.log(`${name.padEnd(44)} ${String(done).padStart(8)} cases ${times}${problem === undefined ? '' : ' FAILED'}`)
  if (problem !== undefined) console.log(problem)
})
const total = reports.reduce((sum, report) => sum + report.cases, 0)
const failed = reports.filter(({ problem }) => problem !== undefined).length
const seconds = ((performance.now() - start) / 1000).toFixed(0)
console.log(`${reports.length} parsers, ${total} cases in ${seconds} s, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
