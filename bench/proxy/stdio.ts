import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { freePort } from '../../test/harness/free-port.ts'
import { type OpenedBenchSession, openBenchSession } from '../mcp-session.ts'
import { type Measure, median } from '../measure.ts'
import { startInspected } from './inspected-process.ts'
import { type MeasuredProxy, startMeasuredProxy } from './measured-proxy.ts'
import { benchMeasure, benchScript, ORIENTATION } from './names.ts'
import { callTimes, oneCaller, type Side } from './sides.ts'
import { syncTimes } from './sync-times.ts'

const TOKEN = 'token-of-the-bench-direct'
const STARTS = 12
/** Sessions with a stream, whose users have not connected. */
const SESSIONS = 200

/** One MCP server, called over HTTP directly and over stdio through the proxy; its start; and sessions of the proxy without a child. */
export async function stdioMeasures({ seconds }: { readonly seconds: number }): Promise<Measure[]> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/mcp`
  const upstream = await startInspected({ parameters: [benchScript('upstream.mjs'), String(port)], ready: 'ready' })
  const proxy = await startMeasuredProxy({ small: smallOverStdio() })
  try {
    const direct: Side = { name: 'direct-http', sessions: [await openBenchSession(url, TOKEN)] }
    const proxied: Side = { name: 'proxy-stdio', sessions: await proxy.open('small', 1) }
    const samples = await oneCaller([direct, proxied], seconds)
    const p50 = ({ name }: Side) => median(samples.get(name) ?? [])
    const sync = median(await syncTimes())
    const before = await proxy.syncs()
    await callTimes(proxied, 100)
    const syncs = ((await proxy.syncs()) - before) / 100
    return [
      benchMeasure(
        'proxy-stdio-added-p50',
        p50(proxied) - p50(direct) - syncs * sync,
        'ms',
        '≤ 1.5, and one fdatasync',
      ),
      benchMeasure('proxy-stdio-syncs', syncs, '', '1 for each call'),
      benchMeasure('proxy-stdio-p50', p50(proxied), 'ms', ORIENTATION),
      benchMeasure('direct-http-p50', p50(direct), 'ms', ORIENTATION),
      benchMeasure('fdatasync-p50', sync, 'ms', ORIENTATION),
      ...(await startMeasures(proxy)),
      benchMeasure('proxy-session-memory', await sessionMemory(proxy), 'kB', '≤ 200, with its stream and no child'),
    ]
  } finally {
    await proxy.close()
    await upstream.close()
  }
}

/** The small server as a child of the proxy. */
export function smallOverStdio() {
  return {
    command: [process.execPath, benchScript('upstream.mjs')],
    env: { TOKEN: '{pat}' },
    credential: { variables: { pat: { label: 'Token', type: 'password' } } },
    catalogue: 'user',
    maxSessionsPerOwner: 1_000,
  } as const
}

/** From `initialize` at the proxy, or from the spawn of the same command, until `initialize` is answered. By turns. */
async function startMeasures(proxy: MeasuredProxy): Promise<Measure[]> {
  const through: number[] = []
  const alone: number[] = []
  const throughProxy = async () => {
    const before = performance.now()
    const [session] = await proxy.open('small', 1)
    through.push(performance.now() - before)
    await session?.end()
  }
  const byItself = async () => void alone.push(await startOnce())
  for (let turn = 0; turn < STARTS; turn += 1)
    for (const start of turn % 2 ? [throughProxy, byItself] : [byItself, throughProxy]) await start()
  const [ours, own] = [median(through), median(alone)]
  return [
    benchMeasure('proxy-cold-start', ours / own, 'ratio', '≤ 1.1, or 30 ms more'),
    benchMeasure('proxy-cold-start-added', ours - own, 'ms', '≤ 30, or 1.1 ×'),
    benchMeasure('child-cold-start', own, 'ms', ORIENTATION),
  ]
}

async function startOnce(): Promise<number> {
  const before = performance.now()
  const child = spawn(process.execPath, [benchScript('upstream.mjs')], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { TOKEN },
  })
  const lines = createInterface({ input: child.stdout })
  const answered = new Promise((resolve) => lines.once('line', resolve))
  const clientInfo = { name: 'bench', version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })}\n`)
  await answered
  const spent = performance.now() - before
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGKILL')
  await ended
  return spent
}

/** Kilobytes of the proxy's process for each session with a standing stream, of users who have not connected. */
async function sessionMemory(proxy: MeasuredProxy): Promise<number> {
  const open = async (count: number) => {
    const sessions: OpenedBenchSession[] = [...(await proxy.openUnconnected('small', count))]
    for (const session of sessions) await session.listen()
    return sessions
  }
  // What the first ones load and compile stays.
  const first = await open(20)
  const before = await proxy.process.memory()
  const sessions = await open(SESSIONS)
  const after = await proxy.process.memory()
  for (const session of [...first, ...sessions]) await session.end()
  return (after - before) / SESSIONS / 1024
}
