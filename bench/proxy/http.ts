import { freePort } from '../../test/harness/free-port.ts'
import { type OpenedBenchSession, openBenchSession } from '../mcp-session.ts'
import { type Measure, median } from '../measure.ts'
import { startInspected } from './inspected-process.ts'
import { type MeasuredProxy, startMeasuredProxy } from './measured-proxy.ts'
import { benchMeasure, benchScript, ORIENTATION } from './names.ts'
import { allCallers, callTimes, oneCaller, type Side } from './sides.ts'
import { syncTimes } from './sync-times.ts'

const CALLERS = 16
const TOKEN = 'token-of-the-bench-relay'

/** One MCP server over HTTP: called directly, through a bare relay, and through the proxy, by turns. */
export async function httpMeasures({ seconds }: { readonly seconds: number }): Promise<Measure[]> {
  const world = await startHttpWorld()
  const { direct, relay, proxied, proxy } = world
  try {
    const sides = [direct, relay, proxied]
    const samples = await oneCaller(sides, seconds)
    const p50 = (side: Side) => median(samples.get(side.name) ?? [])
    const sync = median(await syncTimes())
    const before = await proxy.syncs()
    await callTimes(proxied, 100)
    const syncs = ((await proxy.syncs()) - before) / 100
    const loads = await allCallers(sides, seconds)
    const load = (side: Side) => loads.get(side.name) ?? { rate: Number.NaN, cpu: Number.NaN }
    return [
      benchMeasure('proxy-http-added-p50', p50(proxied) - p50(direct) - syncs * sync, 'ms', '≤ 2, and one fdatasync'),
      benchMeasure('proxy-http-syncs', syncs, '', '1 for each call'),
      benchMeasure('fdatasync-p50', sync, 'ms', ORIENTATION),
      ...sides.map((side) => benchMeasure(`${side.name}-p50`, p50(side), 'ms', ORIENTATION)),
      benchMeasure('proxy-http-cpu-vs-relay', load(proxied).cpu / load(relay).cpu, 'ratio', '≤ 1.5'),
      benchMeasure('proxy-http-cpu', load(proxied).cpu, 'µs', "the proxy's CPU per call"),
      benchMeasure('relay-http-cpu', load(relay).cpu, 'µs', "the bare relay's CPU per call"),
      ...sides.map((side) => benchMeasure(`${side.name}-calls`, load(side).rate, '1/s', ORIENTATION)),
    ]
  } finally {
    await world.close()
  }
}

interface HttpWorld {
  readonly proxy: MeasuredProxy
  readonly direct: Side
  readonly relay: Side
  readonly proxied: Side
  close(): Promise<void>
}

async function startHttpWorld(): Promise<HttpWorld> {
  const [upstreamPort, relayPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${upstreamPort}/mcp`
  const relayUrl = `http://127.0.0.1:${relayPort}/mcp`
  const upstream = await startInspected({
    parameters: [benchScript('upstream.mjs'), String(upstreamPort)],
    ready: 'ready',
  })
  const relay = await startInspected({
    parameters: [benchScript('bare-relay.mjs'), String(relayPort), url, TOKEN],
    ready: 'ready',
  })
  const proxy = await startMeasuredProxy({
    small: {
      url,
      credential: { variables: { pat: { label: 'Token', type: 'password' } } },
      catalogue: 'user',
      headers: { Authorization: 'Bearer {pat}' },
    },
  })
  return {
    proxy,
    direct: { name: 'direct-http', sessions: await sessionsAt(url), process: upstream },
    relay: { name: 'relay-http', sessions: await sessionsAt(relayUrl), process: relay },
    proxied: { name: 'proxy-http', sessions: await proxy.open('small', CALLERS), process: proxy.process },
    close: async () => void (await Promise.all([proxy, relay, upstream].map((one) => one.close()))),
  }
}

function sessionsAt(url: string): Promise<readonly OpenedBenchSession[]> {
  return Promise.all(Array.from({ length: CALLERS }, () => openBenchSession(url, TOKEN)))
}
