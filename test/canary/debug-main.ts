import { runCanary } from './canary.ts'
import { flows, outagesOf } from './flows.ts'
import { canarySet } from './secrets.ts'
import { startStoreServer } from './stores.ts'

// Every flow, with whatever DEBUG and NODE_DEBUG make this process print, for another process to search. A line before each flow says
// which one it is.
const store = process.env['CANARY_STORE']
const name = store === 'vault' || store === 'aws-secrets-manager' ? store : undefined
const server = name && (await startStoreServer(name))
const kept = name && server ? { flows: outagesOf(name), openStore: server.plain } : { flows }
const reports = await runCanary({
  ...kept,
  sinks: [],
  secrets: canarySet(process.env['CANARY_SEED']),
  quiet: false,
  onFlow: (name) => void say(`[flow] ${name}`),
})
await server?.close()
const problems = reports
  .filter(({ problem }) => problem !== undefined)
  .map(({ flow, problem }) => `${flow}: ${problem}`)
say(`[flows] ${reports.length - problems.length} of ${reports.length} ${problems.join('; ')}`)

// Through the stream: a plain write fails when whoever reads the pipe is slow.
function say(line: string): void {
  process.stderr.write(`\n${line}\n`)
}
