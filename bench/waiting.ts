import { fork } from 'node:child_process'
import { loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { httpBrowser } from '../examples/tickets/http-browser.ts'
import { browserClient, startIdentityProvider } from '../test/harness/identity/identity-provider.ts'
import { startRedisNode } from '../test/harness/redis/redis-server.ts'
import { openBenchSession } from './mcp-session.ts'
import type { Measure } from './measure.ts'
import { type CommandCounts, commandCounts, statOf } from './replicas/redis-stats.ts'
import type { WaitingAnswer, WaitingRequest } from './waiting-server.ts'

export interface WaitingMeasureOptions {
  /** How many calls wait at once. */
  readonly calls: number
  /** Behind the gate with the stores in memory, or in Redis. */
  readonly kinds: readonly ('gated' | 'redis')[]
}

/** Users whose forms are sent while all the others wait. */
const SAVED = 100
const AT_ONCE = 64
/** Milliseconds in which all calls only wait: about six looks at each entry, and about one of each call itself. */
const QUIET = 60_000

/**
 * Memory of so many waiting calls against the bare SDK's, what they cost while nothing happens, and how soon one of them goes on after its
 * form was sent.
 */
export async function waitingMeasures({ calls, kinds }: WaitingMeasureOptions): Promise<Measure[]> {
  const bare = await hold('bare', calls)
  const memory = (name: string, bytes: number, goal: string) => ({
    name: `waiting-memory-${name}`,
    value: megabytes(bytes),
    unit: 'MB',
    goal,
  })
  const held = (name: string, { rss, heap, rampSeconds }: Held) =>
    memory(name, rss, `${calls} calls after ${rampSeconds} s; live objects ${megabytes(heap)} MB`)
  const measures = [held('bare', bare)]
  if (kinds.includes('gated')) {
    const gated = await hold('gated', calls)
    measures.push(ratio('waiting-memory', gated, bare), held('gated', gated))
    measures.push(wake('waiting-wake-p99', gated, 100), cpu('waiting-cpu', gated))
  }
  if (kinds.includes('redis')) {
    const redis = await startRedisNode()
    try {
      const shared = await hold('redis', calls, redis.port)
      const inside = await statOf(redis.port, 'memory', 'used_memory')
      measures.push(ratio('waiting-10k-redis', shared, bare), held('redis', shared))
      measures.push(wake('waiting-10k-redis-wake-p99', shared, 150), cpu('waiting-10k-redis-cpu', shared))
      const { sent, inScripts } = shared.commands
      measures.push(
        { name: 'waiting-10k-redis-ops', value: rounded(sent), unit: '/s', goal: 'scripts sent while nothing happens' },
        { name: 'waiting-10k-redis-ops-inside', value: rounded(inScripts), unit: '/s', goal: 'commands in them' },
        memory('in-redis', inside, 'used by Redis itself'),
      )
    } finally {
      await redis.remove()
    }
  }
  return measures
}

function ratio(name: string, of: Held, bare: Held): Measure {
  return { name, value: rounded(of.rss / bare.rss), unit: 'ratio', goal: '≤ 1.15 of the bare SDK' }
}

function wake(name: string, { wakes, load }: Held, most: number): Measure {
  const p99 = wakes.toSorted((a, b) => a - b)[Math.floor(wakes.length * 0.99)] ?? Number.NaN
  return { name, value: rounded(p99), unit: 'ms', goal: `≤ ${most}, while all the others wait; load average ${load}` }
}

function cpu(name: string, { cpuShare }: Held): Measure {
  return { name, value: rounded(cpuShare * 100), unit: '%', goal: 'of one core while nothing happens' }
}

function megabytes(bytes: number): number {
  return Number((bytes / 1e6).toFixed(1))
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

/** What so many calls cost the server that holds them. */
interface Held {
  readonly rss: number
  readonly heap: number
  readonly rampSeconds: number
  /** CPU time of the server while nothing happened, in parts of that time. */
  readonly cpuShare: number
  /** Redis commands a second meanwhile. */
  readonly commands: CommandCounts
  /** Milliseconds from sending a form until the answer of its call. */
  readonly wakes: readonly number[]
  /** The load average after that. */
  readonly load: number
}

type Kind = 'bare' | WaitingMeasureOptions['kinds'][number]

async function hold(kind: Kind, calls: number, redisPort?: number): Promise<Held> {
  const server = await startWaitingServer(kind, redisPort)
  const people = Array.from({ length: SAVED }, (_, index) => ({ account: `user-${index}`, name: `user-${index}` }))
  const { baseUrl, request } = server
  const provider = await startIdentityProvider({
    resource: `${baseUrl}/mcp`,
    clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
    users: people,
  })
  try {
    await request({ issuer: provider.issuer })
    const began = performance.now()
    const waiting = new Map<number, WaitingCall>()
    await each(calls, async (index) => {
      // The bare SDK keeps the same headers, though it does not check them.
      const token = await provider.issueAccessToken(`user-${index}`, { expiresIn: 7200 })
      waiting.set(index, await waitingCall(baseUrl, token))
    })
    const rampSeconds = Math.round((performance.now() - began) / 1000)
    const { memory = Number.NaN, heap = Number.NaN } = await request({ memory: true })
    const quiet = await quietCost(request, redisPort)
    const wakes: number[] = []
    for (let index = 0; kind !== 'bare' && index < Math.min(SAVED, calls); index += 1)
      wakes.push(await saved(baseUrl, index, waiting.get(index)))
    return { rss: memory, heap, rampSeconds, ...quiet, wakes, load: rounded(loadavg()[0] ?? Number.NaN) }
  } finally {
    server.stop()
    await provider.close()
  }
}

type Ask = (message: WaitingRequest) => Promise<WaitingAnswer>

async function startWaitingServer(kind: Kind, redisPort: number | undefined) {
  const further = redisPort === undefined ? [] : [`redis://127.0.0.1:${redisPort}`]
  const child = fork(new URL('./waiting-server.ts', import.meta.url), [kind, ...further], {
    execArgv: ['--import', 'tsx', '--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const said = () => new Promise<WaitingAnswer>((resolve) => child.once('message', (m) => resolve(m as WaitingAnswer)))
  const request: Ask = (message) => {
    const answer = said()
    child.send(message)
    return answer
  }
  const { baseUrl = '' } = await said()
  return { baseUrl, request, stop: () => void child.kill('SIGKILL') }
}

async function quietCost(request: Ask, redisPort: number | undefined): Promise<Pick<Held, 'cpuShare' | 'commands'>> {
  const counts = async () => (redisPort === undefined ? { sent: 0, inScripts: 0 } : commandCounts(redisPort))
  const [commands, { cpu: before = Number.NaN }] = [await counts(), await request({ cpu: true })]
  const began = performance.now()
  await delay(QUIET)
  const [later, { cpu: after = Number.NaN }] = [await counts(), await request({ cpu: true })]
  const passed = performance.now() - began
  const each = (count: keyof CommandCounts) => ((later[count] - commands[count]) / passed) * 1000
  return { cpuShare: (after - before) / passed, commands: { sent: each('sent'), inScripts: each('inScripts') } }
}

interface WaitingCall {
  readonly link: string
  /** Resolves when the call is answered, to the time. */
  readonly answered: Promise<number>
}

/** Times that a call is made again which a busy server has answered without a link, for example because its audit log was late. */
const MOST_ANSWERS = 20

/** Resolves when the call has given its link. */
async function waitingCall(baseUrl: string, token: string): Promise<WaitingCall> {
  const session = await openBenchSession(`${baseUrl}/mcp`, token)
  let text = ''
  for (let attempt = 0; attempt < MOST_ANSWERS; attempt += 1) {
    let linked: (link: string) => void = () => undefined
    const link = new Promise<string>((resolve) => {
      linked = resolve
    })
    const call = session.call('waiting', linked)
    const answered = call.then(() => performance.now())
    // The server is killed while most calls still wait.
    answered.catch(() => undefined)
    const first = await Promise.race([link.then((given) => ({ link: given })), call])
    if (typeof first === 'object') return { link: first.link, answered }
    text = first
  }
  throw new Error(`a call was answered without a link: ${text}`)
}

/** Fills in the form of a waiting call. Resolves to the milliseconds until the call is answered. */
async function saved(baseUrl: string, index: number, waiting: WaitingCall | undefined): Promise<number> {
  if (!waiting) throw new Error(`the call of user-${index} has given no link`)
  const browser = httpBrowser({ stopBefore: `${baseUrl}/credentials/asked/done` })
  const page = await browser.open(waiting.link)
  const login = await browser.follow(await browser.press(page, 'Sign in'), 'Continue')
  const form = await browser.press(login, `Continue as user-${index}`)
  const sent = performance.now()
  const saving = browser.press(form, 'Save', { pat: `tok-${index}-0123456789abcdef` })
  const woken = (await waiting.answered) - sent
  await saving
  return woken
}

async function each(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) {
        const index = next
        next += 1
        await work(index)
      }
    }),
  )
}
