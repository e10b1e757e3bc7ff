import { fork } from 'node:child_process'
import { httpBrowser } from '../examples/tickets/http-browser.ts'
import { browserClient, startIdentityProvider } from '../test/harness/identity/identity-provider.ts'
import { openBenchSession } from './mcp-session.ts'
import type { Measure } from './measure.ts'
import type { WaitingAnswer, WaitingRequest } from './waiting-server.ts'

export interface WaitingMeasureOptions {
  /** How many calls wait at once. */
  readonly calls: number
}

/** Users whose forms are sent while all the others wait. */
const SAVED = 100
const AT_ONCE = 64

/** Memory of so many waiting calls against the bare SDK's, and how soon one of them goes on after its form was sent. */
export async function waitingMeasures({ calls }: WaitingMeasureOptions): Promise<Measure[]> {
  const bare = await hold('bare', calls)
  const gated = await hold('gated', calls)
  const wakes = gated.wakes.sort((a, b) => a - b)
  const megabytes = (bytes: number) => Number((bytes / 1e6).toFixed(1))
  return [
    { name: 'waiting-memory', value: ratio(gated.memory, bare.memory), unit: 'ratio', goal: '≤ 1.15 of the bare SDK' },
    { name: 'waiting-memory-gated', value: megabytes(gated.memory), unit: 'MB', goal: `${calls} waiting calls` },
    { name: 'waiting-memory-bare', value: megabytes(bare.memory), unit: 'MB', goal: `${calls} waiting calls` },
    {
      name: 'waiting-wake-p99',
      value: Number((wakes[Math.floor(wakes.length * 0.99)] ?? Number.NaN).toPrecision(4)),
      unit: 'ms',
      goal: '≤ 100, while all the others wait',
    },
  ]
}

function ratio(one: number, other: number): number {
  return Number((one / other).toPrecision(4))
}

async function hold(kind: 'gated' | 'bare', calls: number): Promise<{ memory: number; wakes: number[] }> {
  const child = fork(new URL('./waiting-server.ts', import.meta.url), [kind], {
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
      const token = kind === 'gated' ? await provider.issueAccessToken(`user-${index}`, { expiresIn: 7200 }) : 'none'
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
    for (let index = 0; kind === 'gated' && index < Math.min(SAVED, calls); index += 1) {
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
