import { fork } from 'node:child_process'
import { httpBrowser } from '../examples/tickets/http-browser.ts'
import { browserClient, startIdentityProvider } from '../test/harness/identity/identity-provider.ts'
import { startRedisNode } from '../test/harness/redis/redis-server.ts'
import { openBenchSession } from './mcp-session.ts'
import type { Measure } from './measure.ts'
import { statOf } from './replicas/redis-stats.ts'
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

/** Memory of so many waiting calls against the bare SDK's, and how soon one of them goes on after its form was sent. */
export async function waitingMeasures({ calls, kinds }: WaitingMeasureOptions): Promise<Measure[]> {
  const bare = await hold('bare', calls)
  const held = (name: string, memory: number) => ({
    name: `waiting-memory-${name}`,
    value: Number((memory / 1e6).toFixed(1)),
    unit: 'MB',
    goal: `${calls} waiting calls`,
  })
  const measures = [held('bare', bare.memory)]
  const goal = '≤ 1.15 of the bare SDK'
  if (kinds.includes('gated')) {
    const { memory, wakes } = await hold('gated', calls)
    measures.push(
      { name: 'waiting-memory', value: rounded(memory / bare.memory), unit: 'ratio', goal },
      held('gated', memory),
      { name: 'waiting-wake-p99', value: p99(wakes), unit: 'ms', goal: '≤ 100, while all the others wait' },
    )
  }
  if (kinds.includes('redis')) {
    const redis = await startRedisNode()
    try {
      const { memory, wakes } = await hold('redis', calls, [`redis://127.0.0.1:${redis.port}`])
      const inside = await statOf(redis.port, 'memory', 'used_memory')
      measures.push(
        { name: 'waiting-10k-redis', value: rounded(memory / bare.memory), unit: 'ratio', goal },
        held('redis', memory),
        { name: 'waiting-10k-redis-wake-p99', value: p99(wakes), unit: 'ms', goal: '≤ 150, while all the others wait' },
        { ...held('in-redis', inside), goal: 'used by Redis itself' },
      )
    } finally {
      await redis.remove()
    }
  }
  return measures
}

function p99(samples: readonly number[]): number {
  return rounded(samples.toSorted((a, b) => a - b)[Math.floor(samples.length * 0.99)] ?? Number.NaN)
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

async function hold(
  kind: 'bare' | 'gated' | 'redis',
  calls: number,
  further: readonly string[] = [],
): Promise<{ memory: number; wakes: number[] }> {
  const child = fork(new URL('./waiting-server.ts', import.meta.url), [kind, ...further], {
    execArgv: ['--import', 'tsx', '--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const said = () => new Promise<WaitingAnswer>((resolve) => child.once('message', (m) => resolve(m as WaitingAnswer)))
  const request = (message: WaitingRequest) => {
    const answer = said()
    child.send(message)
    return answer
  }
  const { baseUrl = '' } = await said()
  const people = Array.from({ length: SAVED }, (_, index) => ({ account: `user-${index}`, name: `user-${index}` }))
  const provider = await startIdentityProvider({
    resource: `${baseUrl}/mcp`,
    clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
    users: people,
  })
  try {
    await request({ issuer: provider.issuer })
    const links = new Map<number, string>()
    const ends = new Map<number, (at: number) => void>()
    await each(calls, async (index) => {
      const token = kind !== 'bare' ? await provider.issueAccessToken(`user-${index}`, { expiresIn: 7200 }) : 'none'
      const session = await openBenchSession(`${baseUrl}/mcp`, token)
      await new Promise<void>((waiting, failed) => {
        const answer = session.call('waiting', (link) => {
          links.set(index, link)
          waiting()
        })
        answer.then(() => ends.get(index)?.(performance.now())).catch(failed)
      })
    })
    const memory = (await request({ memory: true })).memory ?? Number.NaN
    const wakes: number[] = []
    for (let index = 0; kind !== 'bare' && index < Math.min(SAVED, calls); index += 1) {
      const browser = httpBrowser({ stopBefore: `${baseUrl}/credentials/asked/done` })
      const page = await browser.open(links.get(index) ?? '')
      const login = await browser.follow(await browser.press(page, 'Sign in'), 'Continue')
      const form = await browser.press(login, `Continue as user-${index}`)
      const woken = new Promise<number>((resolve) => ends.set(index, resolve))
      const sent = performance.now()
      const saving = browser.press(form, 'Save', { pat: `tok-${index}-0123456789abcdef` })
      wakes.push((await woken) - sent)
      await saving
    }
    return { memory, wakes }
  } finally {
    child.kill('SIGKILL')
    await provider.close()
  }
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
