import { bringBridges } from '../../scripts/bring-published-servers.mjs'
import { freePort } from '../../test/harness/free-port.ts'
import { type OpenedBenchSession, openBenchSession } from '../mcp-session.ts'
import { type Measure, median } from '../measure.ts'
import { type InspectedProcess, startInspected } from './inspected-process.ts'
import { type MeasuredProxy, startMeasuredProxy } from './measured-proxy.ts'
import { benchMeasure, benchScript, ORIENTATION } from './names.ts'
import { allCallers, oneCaller, type Side } from './sides.ts'
import { smallOverStdio } from './stdio.ts'

const CALLERS = 16
/** Sessions with a stream, of which each has a child or shares one, as the bridge does it. */
const SESSIONS = 32
const TOKEN = 'token-of-the-bench-bridge'

/** One way from HTTP to the same server over stdio. */
interface Bridge {
  readonly name: string
  readonly process: InspectedProcess
  open(count: number): Promise<readonly OpenedBenchSession[]>
  close(): Promise<void>
}

/** The proxy beside other bridges from stdio to HTTP, which know no users and keep no log: by turns, with the same server. */
export async function bridgeMeasures({ seconds }: { readonly seconds: number }): Promise<Measure[]> {
  const commands = await bringBridges()
  const ours = await startMeasuredProxy({ small: smallOverStdio() }, { max: 200, maxPerOwner: 100 })
  const bridges: readonly Bridge[] = [
    ourBridge(ours),
    await startBridge('supergateway', (port) => [
      ...[`${commands}/supergateway`, '--stdio', `${process.execPath} ${benchScript('upstream.mjs')}`],
      ...['--outputTransport', 'streamableHttp', '--stateful', '--port', port, '--logLevel', 'none'],
    ]),
    await startBridge('mcp-proxy', (port) => [
      ...[`${commands}/mcp-proxy`, '--port', port, '--host', '127.0.0.1', '--server', 'stream'],
      ...['--', process.execPath, benchScript('upstream.mjs')],
    ]),
  ]
  try {
    const sides: Side[] = []
    for (const { name, process: measured, open } of bridges)
      sides.push({ name, process: measured, sessions: await open(CALLERS) })
    const samples = await oneCaller(sides, seconds)
    const loads = await allCallers(sides, seconds)
    const memory = new Map<string, number>()
    for (const bridge of bridges) memory.set(bridge.name, await sessionMemory(bridge))
    return compared({
      p50: new Map(sides.map(({ name }) => [name, median(samples.get(name) ?? [])])),
      calls: new Map([...loads].map(([name, { rate }]) => [name, rate])),
      memory,
    })
  } finally {
    for (const bridge of bridges) await bridge.close()
  }
}

type Figures = Readonly<Record<'p50' | 'calls' | 'memory', ReadonlyMap<string, number>>>

const UNITS = { p50: 'ms', calls: '1/s', memory: 'kB' } as const

/** Ours as a part of theirs, and the figures behind it. */
function compared(figures: Figures): Measure[] {
  const kinds = ['p50', 'calls', 'memory'] as const
  const of = (kind: keyof Figures, name: string) => figures[kind].get(name) ?? Number.NaN
  return [
    ...['supergateway', 'mcp-proxy'].flatMap((name) =>
      kinds.map((kind) => {
        const ratio = of(kind, 'proxy') / of(kind, name)
        return benchMeasure(`proxy-vs-${name}-${kind}`, ratio, 'ratio', kind === 'calls' ? '≥ 1' : '≤ 1')
      }),
    ),
    ...['proxy', 'supergateway', 'mcp-proxy'].flatMap((name) =>
      kinds.map((kind) => benchMeasure(`${name}-stdio-${kind}`, of(kind, name), UNITS[kind], ORIENTATION)),
    ),
  ]
}

function ourBridge(proxy: MeasuredProxy): Bridge {
  const { process: measured, close } = proxy
  return { name: 'proxy', process: measured, open: (count) => proxy.open('small', count), close }
}

async function startBridge(name: string, parameters: (port: string) => readonly string[]): Promise<Bridge> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/mcp`
  const measured = await startInspected({
    parameters: parameters(String(port)),
    environment: { TOKEN },
    answersAt: url,
  })
  const open = (count: number) => Promise.all(Array.from({ length: count }, () => openBenchSession(url, TOKEN)))
  return { name, process: measured, open, close: () => measured.close() }
}

/** Kilobytes of the bridge's own process for each session with a standing stream. Children are not counted. */
async function sessionMemory({ process: measured, open }: Bridge): Promise<number> {
  const listening = async (count: number) => {
    const sessions = await open(count)
    for (const session of sessions) await session.listen()
    return sessions
  }
  const first = await listening(4)
  const before = await measured.memory()
  const sessions = await listening(SESSIONS)
  const after = await measured.memory()
  for (const session of [...first, ...sessions]) await session.end()
  return (after - before) / SESSIONS / 1024
}
