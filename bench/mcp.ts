import type { HttpBrowser } from '../examples/tickets/http-browser.ts'
import type { BenchSession } from './mcp-session.ts'
import { type Measure, median } from './measure.ts'
import { type MeasuredServer, startMeasuredServer } from './measured-server.ts'
import { startPeer } from './peer.ts'
import { singleCalls } from './single-calls.ts'

const CONCURRENT = 16
const ORIENTATION = 'for orientation'

export interface McpMeasureOptions {
  readonly seconds: number
  /** Also measure the published mcp-authkit, by turns with ours. */
  readonly peer: boolean
}

/**
 * Gated against ungated calls of one server (32 users, 16 concurrent, durable audit), the way from submit to the waiting client, and
 * form pairs. The servers run in processes of their own; this one drives them.
 */
export async function mcpMeasures(wanted: (name: string) => boolean, options: McpMeasureOptions): Promise<Measure[]> {
  const ours = await startMeasuredServer()
  const peer = options.peer ? await startPeer(ours) : undefined
  try {
    return [
      ...(wanted('gated-vs-ungated') || wanted('gated-cpu-vs-ungated') ? await calls(ours, peer, options.seconds) : []),
      ...(wanted('gated-added-p50') ? await singleCalls(ours.sessions, options.seconds) : []),
      ...(wanted('gated-vs-ungated-v2') ? await modernCalls(ours, options.seconds) : []),
      ...(wanted('submit-to-wake-p50') || wanted('submit-to-wake-p99') ? await wakes(ours, peer, options.seconds) : []),
      ...(wanted('form-pairs') ? await pairs(ours, peer, options.seconds) : []),
    ]
  } finally {
    ours.close()
    peer?.close()
  }
}

/** Gated against ungated calls of a server that remembers verified tokens, as it does by default. A cheaper call makes every ratio worse. */
export async function rememberedMeasures(seconds: number): Promise<Measure[]> {
  const server = await startMeasuredServer({ BENCH_REMEMBER_SECONDS: '60' })
  try {
    const measures = [...(await calls(server, undefined, seconds)), ...(await modernCalls(server, seconds))]
    return measures.map((each) => ({ ...each, name: `${each.name}-remembered`, goal: ORIENTATION }))
  } finally {
    server.close()
  }
}

/** Gated against ungated calls of a server with another backend. Its values are cached, as they are by default. */
export async function gateMeasures(name: string, environment: NodeJS.ProcessEnv, seconds: number): Promise<Measure[]> {
  const server = await startMeasuredServer(environment)
  try {
    const measures = await calls(server, undefined, seconds)
    return measures.map((each) => ({ ...each, name: `${each.name}-${name}` }))
  } finally {
    server.close()
  }
}

interface Tally {
  calls: number
  spent: number
  cpu: number
}

const TOOLS = ['gated', 'ungated'] as const

/** A tool that is called, by the sessions of one server. */
interface Called {
  readonly server: Pick<MeasuredServer, 'cpu'>
  readonly sessions: readonly BenchSession[]
  readonly tool: (typeof TOOLS)[number]
  readonly tally: Tally
}

function called(server: Pick<MeasuredServer, 'cpu'>, sessions: readonly BenchSession[]): Called[] {
  return TOOLS.map((tool) => ({ server, sessions, tool, tally: { calls: 0, spent: 0, cpu: 0 } }))
}

/** Rounds of every kind by turns, so that whatever else the machine does hits all alike. */
async function callByTurns(kinds: readonly Called[], seconds: number): Promise<void> {
  const rounds = Math.max(4, 2 * Math.ceil(seconds))
  for (const { sessions, tool } of kinds) await callFor(sessions, tool, 500)
  for (let round = 0; round < rounds; round += 1) {
    for (const { server, sessions, tool, tally } of round % 2 ? kinds : kinds.toReversed()) {
      const used = (await server.cpu()) ?? 0
      const before = performance.now()
      tally.calls += await callFor(sessions, tool, (seconds * 1000) / rounds)
      tally.spent += performance.now() - before
      tally.cpu += ((await server.cpu()) ?? 0) - used
    }
  }
}

/** Calls a second, and microseconds of the server's CPU a call. */
function figuresOf(kinds: readonly Called[], tool: Called['tool']): { readonly rate: number; readonly cpu: number } {
  const { calls, spent, cpu } = kinds.find((kind) => kind.tool === tool)?.tally ?? { calls: 0, spent: 1, cpu: 0 }
  return { rate: (calls / spent) * 1000, cpu: cpu / calls }
}

async function calls(ours: MeasuredServer, peer: MeasuredServer | undefined, seconds: number): Promise<Measure[]> {
  const own = called(ours, ours.sessions)
  const theirs = peer && called(peer, peer.sessions)
  await callByTurns([...own, ...(theirs ?? [])], seconds)
  const [gated, ungated] = [figuresOf(own, 'gated'), figuresOf(own, 'ungated')]
  return [
    measure('gated-vs-ungated', gated.rate / ungated.rate, 'ratio', '≥ 0.85'),
    measure('gated-cpu-vs-ungated', gated.cpu / ungated.cpu - 1, 'ratio', '≤ 0.15'),
    measure('gated-calls', gated.rate, '1/s', ORIENTATION),
    measure('ungated-calls', ungated.rate, '1/s', ORIENTATION),
    measure('gated-cpu', gated.cpu, 'µs', 'server CPU per call'),
    measure('ungated-cpu', ungated.cpu, 'µs', 'server CPU per call'),
    ...(theirs
      ? [
          measure('gated-vs-peer', gated.rate / figuresOf(theirs, 'gated').rate, 'ratio', '≥ 5'),
          measure('peer-gated-calls', figuresOf(theirs, 'gated').rate, '1/s', ORIENTATION),
          measure('peer-ungated-calls', figuresOf(theirs, 'ungated').rate, '1/s', ORIENTATION),
        ]
      : []),
  ]
}

/** What a gated call of MCP 2026-07-28 costs more than an ungated one, as a part of the latter. */
async function modernCalls(ours: MeasuredServer, seconds: number): Promise<Measure[]> {
  const own = called(ours, ours.modern ?? [])
  await callByTurns(own, seconds)
  const [gated, ungated] = [figuresOf(own, 'gated'), figuresOf(own, 'ungated')]
  return [
    measure('gated-vs-ungated-v2', gated.cpu / ungated.cpu - 1, 'ratio', '≤ 0.15'),
    measure('gated-cpu-v2', gated.cpu, 'µs', 'server CPU per call'),
    measure('ungated-cpu-v2', ungated.cpu, 'µs', 'server CPU per call'),
  ]
}

async function callFor(sessions: readonly BenchSession[], tool: string, milliseconds: number): Promise<number> {
  const end = performance.now() + milliseconds
  let count = 0
  const worker = async (first: number) => {
    for (let next = first; performance.now() < end; next += CONCURRENT) {
      const text = await sessions[next % sessions.length]?.call(tool)
      if (!/^\d+$/.test(text ?? '')) throw new Error(`${tool} answered: ${text}`)
      count += 1
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT }, (_, first) => worker(first)))
  return count
}

async function wakes(ours: MeasuredServer, peer: MeasuredServer | undefined, seconds: number): Promise<Measure[]> {
  const samples = await submitToWake(ours, seconds)
  const theirs = peer ? await submitToWake(peer, seconds) : undefined
  return [
    measure('submit-to-wake-p50', median(samples), 'ms', '≤ 5'),
    measure('submit-to-wake-p99', samples[Math.floor(samples.length * 0.99)] ?? Number.NaN, 'ms', '≤ 100'),
    ...(theirs ? [measure('peer-submit-to-wake-p50', median(theirs), 'ms', ORIENTATION)] : []),
  ]
}

/** Sorted milliseconds from sending the form to the tool's answer at the client that waits, by one user after another. */
async function submitToWake(server: MeasuredServer, seconds: number): Promise<number[]> {
  const samples: number[] = []
  const end = performance.now() + seconds * 1000
  const browsers = new Map<string, HttpBrowser>()
  for (let turn = 0; performance.now() < end || turn < 40; turn += 1) {
    const index = turn % server.users.length
    const name = server.users[index]?.name ?? ''
    const browser = browsers.get(name) ?? (await server.browserOf(name))
    browsers.set(name, browser)
    await server.forget(name)
    let sent = 0
    let saving: Promise<unknown> = Promise.resolve()
    await server.sessions[index]?.call('waiting', (link) => {
      saving = browser.open(link).then((form) => {
        sent = performance.now()
        return browser.press(form, 'Save', { pat: `tok-${turn}-0123456789abcdef` })
      })
    })
    samples.push(performance.now() - sent)
    await saving
  }
  return samples.sort((a, b) => a - b)
}

/** Rounds of both servers by turns. */
async function pairs(ours: MeasuredServer, peer: MeasuredServer | undefined, seconds: number): Promise<Measure[]> {
  const rounds = 8
  const tallies = new Map<MeasuredServer, { pairs: number; spent: number; browsers: readonly HttpBrowser[] }>()
  for (const server of [ours, ...(peer ? [peer] : [])]) {
    const browsers: HttpBrowser[] = []
    for (const { name } of server.users.slice(0, CONCURRENT)) browsers.push(await server.browserOf(name))
    tallies.set(server, { pairs: 0, spent: 0, browsers })
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [server, tally] of tallies) {
      const until = tally.spent + (seconds * 1000) / rounds
      while (tally.spent < until) tally.spent += await pairsOnce(server, tally)
    }
  }
  const rate = (server: MeasuredServer) => {
    const tally = tallies.get(server)
    return tally ? (tally.pairs / tally.spent) * 1000 : Number.NaN
  }
  return [
    measure('form-pairs', rate(ours), '1/s', ORIENTATION),
    ...(peer
      ? [
          measure('form-pairs-vs-peer', rate(ours) / rate(peer), 'ratio', '≥ 2'),
          measure('peer-form-pairs', rate(peer), '1/s', ORIENTATION),
        ]
      : []),
  ]
}

/** Opens and sends one form for each browser at once. Resolves the milliseconds that it took. */
async function pairsOnce(
  server: MeasuredServer,
  tally: { pairs: number; readonly browsers: readonly HttpBrowser[] },
): Promise<number> {
  const links: string[] = []
  for (const { name } of server.users.slice(0, CONCURRENT)) links.push(await server.ask(name))
  const before = performance.now()
  await Promise.all(
    links.map(async (link, index) => {
      const browser = tally.browsers[index]
      const form = await browser?.open(link)
      const done = form && (await browser?.press(form, 'Save', { pat: `tok-${tally.pairs}-0123456789abcdef` }))
      if (done?.status !== 200 && done?.status !== 0)
        throw new Error(`The form answered ${done?.status}: ${done?.html}`)
      tally.pairs += 1
    }),
  )
  return performance.now() - before
}

function measure(name: string, value: number, unit: string, goal: string): Measure {
  return { name, value: Number(value.toPrecision(4)), unit, goal }
}
