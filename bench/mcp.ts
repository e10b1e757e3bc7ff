import { type ChildProcess, fork } from 'node:child_process'
import { type HttpBrowser, httpBrowser } from '../examples/tickets/http-browser.ts'
import type { BenchAnswer, BenchReady, BenchRequest } from './mcp-server.ts'
import { type BenchSession, openBenchSession } from './mcp-session.ts'
import { type Measure, median } from './measure.ts'

const CONCURRENT = 16

interface Bench {
  readonly child: ChildProcess
  readonly ready: BenchReady
  readonly sessions: readonly BenchSession[]
}

/**
 * Gated against ungated calls of one server (32 users, 16 concurrent, durable audit), the way from submit to the waiting client, and
 * form pairs. The server runs in a process of its own; this one drives it.
 */
export async function mcpMeasures(
  wanted: (name: string) => boolean,
  { seconds }: { readonly seconds: number },
): Promise<Measure[]> {
  const bench = await startBench()
  try {
    return [
      ...(wanted('gated-vs-ungated') ? await gatedVsUngated(bench, seconds) : []),
      ...(wanted('submit-to-wake-p50') || wanted('submit-to-wake-p99') ? await submitToWake(bench, seconds) : []),
      ...(wanted('form-pairs') ? await formPairs(bench, seconds) : []),
    ]
  } finally {
    bench.child.disconnect()
  }
}

async function startBench(): Promise<Bench> {
  const child = fork(new URL('./mcp-server.ts', import.meta.url), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ready = await new Promise<BenchReady>((resolve, reject) => {
    child.once('message', (message) => resolve(message as BenchReady))
    child.once('exit', () => reject(new Error('The measured server did not start.')))
  })
  const sessions = await Promise.all(ready.users.map(({ token }) => openBenchSession(`${ready.baseUrl}/mcp`, token)))
  return { child, ready, sessions }
}

/** Rounds of both kinds by turns, so that whatever else the machine does hits both alike. */
async function gatedVsUngated({ child, sessions }: Bench, seconds: number): Promise<Measure[]> {
  const calls = { gated: 0, ungated: 0 }
  const spent = { gated: 0, ungated: 0 }
  const cpu = { gated: 0, ungated: 0 }
  const rounds = Math.max(4, 2 * Math.ceil(seconds))
  for (const tool of ['gated', 'ungated'] as const) await callFor(sessions, tool, 500)
  for (let round = 0; round < rounds; round += 1) {
    for (const tool of round % 2 ? (['gated', 'ungated'] as const) : (['ungated', 'gated'] as const)) {
      const used = (await request(child, { cpu: true })).cpu ?? 0
      const before = performance.now()
      calls[tool] += await callFor(sessions, tool, (seconds * 1000) / rounds)
      spent[tool] += performance.now() - before
      cpu[tool] += ((await request(child, { cpu: true })).cpu ?? 0) - used
    }
  }
  const rate = (tool: 'gated' | 'ungated') => (calls[tool] / spent[tool]) * 1000
  return [
    { name: 'gated-vs-ungated', value: round(rate('gated') / rate('ungated')), unit: 'ratio', goal: '≥ 0.85' },
    { name: 'gated-calls', value: round(rate('gated')), unit: '1/s', goal: 'for orientation' },
    { name: 'gated-cpu', value: round(cpu.gated / calls.gated), unit: 'µs', goal: 'server CPU per call' },
    { name: 'ungated-cpu', value: round(cpu.ungated / calls.ungated), unit: 'µs', goal: 'server CPU per call' },
    { name: 'ungated-calls', value: round(rate('ungated')), unit: '1/s', goal: 'for orientation' },
  ]
}

async function callFor(sessions: readonly BenchSession[], tool: string, milliseconds: number): Promise<number> {
  const end = performance.now() + milliseconds
  let calls = 0
  const worker = async (first: number) => {
    for (let next = first; performance.now() < end; next += CONCURRENT) {
      const text = await sessions[next % sessions.length]?.call(tool)
      if (!/^\d+$/.test(text ?? '')) throw new Error(`${tool} answered: ${text}`)
      calls += 1
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT }, (_, first) => worker(first)))
  return calls
}

/** From sending the form to the tool's answer at the client that waits, by one user after another. */
async function submitToWake({ child, ready, sessions }: Bench, seconds: number): Promise<Measure[]> {
  const samples: number[] = []
  const end = performance.now() + seconds * 1000
  const browsers = new Map<string, HttpBrowser>()
  for (let turn = 0; performance.now() < end || turn < 40; turn += 1) {
    const index = turn % ready.users.length
    const name = ready.users[index]?.name ?? ''
    const browser = browsers.get(name) ?? (await signedIn(child, name))
    browsers.set(name, browser)
    await request(child, { forget: name })
    let sent = 0
    let saving: Promise<unknown> = Promise.resolve()
    await sessions[index]?.call('waiting', (link) => {
      saving = browser.open(link).then((form) => {
        sent = performance.now()
        return browser.press(form, 'Save', { pat: `tok-${turn}-0123456789abcdef` })
      })
    })
    samples.push(performance.now() - sent)
    await saving
  }
  samples.sort((a, b) => a - b)
  const p99 = samples[Math.floor(samples.length * 0.99)] ?? Number.NaN
  return [
    { name: 'submit-to-wake-p50', value: round(median(samples)), unit: 'ms', goal: '≤ 5' },
    { name: 'submit-to-wake-p99', value: round(p99), unit: 'ms', goal: '≤ 100' },
  ]
}

/** Opening and sending the form, 16 signed-in users at a time. */
async function formPairs({ child, ready }: Bench, seconds: number): Promise<Measure[]> {
  const users = ready.users.slice(0, CONCURRENT).map(({ name }) => name)
  const browsers: HttpBrowser[] = []
  for (const name of users) browsers.push(await signedIn(child, name))
  let pairs = 0
  let spent = 0
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    const links = []
    for (const name of users) links.push(await request(child, { ask: name }))
    const before = performance.now()
    await Promise.all(
      links.map(async ({ url }, index) => {
        const browser = browsers[index]
        const form = await browser?.open(url ?? '')
        const done = form && (await browser?.press(form, 'Save', { pat: `tok-${pairs}-0123456789abcdef` }))
        if (done?.status !== 200) throw new Error(`The form answered ${done?.status}: ${done?.html}`)
        pairs += 1
      }),
    )
    spent += performance.now() - before
  }
  return [
    {
      name: 'form-pairs',
      value: round((pairs / spent) * 1000),
      unit: '1/s',
      goal: '≥ 2 × the ancestor in the same run',
    },
  ]
}

async function signedIn(child: ChildProcess, name: string): Promise<HttpBrowser> {
  const browser = httpBrowser()
  const { url } = await request(child, { ask: name })
  const page = await browser.open(url ?? '')
  const provider = await browser.follow(await browser.press(page, 'Sign in'), 'Continue')
  await browser.press(provider, `Continue as ${name}`)
  return browser
}

function request(child: ChildProcess, message: BenchRequest): Promise<BenchAnswer> {
  return new Promise((resolve) => {
    child.once('message', (answer) => resolve(answer as BenchAnswer))
    child.send(message)
  })
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}
