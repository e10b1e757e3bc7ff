import { fork } from 'node:child_process'
import { type HttpBrowser, httpBrowser } from '../examples/tickets/http-browser.ts'
import type { BenchAnswer, BenchReady, BenchRequest } from './mcp-server.ts'
import { type BenchSession, modernBenchSession, openBenchSession } from './mcp-session.ts'

/** A server in a process of its own, with the tools `gated`, `ungated` and `waiting`, as the driver sees it. */
export interface MeasuredServer {
  readonly issuer: string
  readonly users: readonly { readonly name: string; readonly token: string }[]
  /** One for each user. */
  readonly sessions: readonly BenchSession[]
  /** One for each user, at the mount for SDK 2.x, where there is one. It has the tools `gated` and `ungated`. */
  readonly modern?: readonly BenchSession[]
  /** Revokes what `waiting` waits for. */
  forget(user: string): Promise<void>
  /** A fresh link to the form for what `waiting` waits for. */
  ask(user: string): Promise<string>
  /** A browser whose user may fill in the form. */
  browserOf(user: string): Promise<HttpBrowser>
  /** CPU time of the server's process so far, in microseconds; undefined where it does not say. */
  cpu(): Promise<number | undefined>
  close(): void
}

/** @param environment names a backend other than the sealed file, as `createStores()` reads it */
export async function startMeasuredServer(environment: NodeJS.ProcessEnv = {}): Promise<MeasuredServer> {
  const child = fork(new URL('./mcp-server.ts', import.meta.url), {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ready = await new Promise<BenchReady>((resolve, reject) => {
    child.once('message', (message) => resolve(message as BenchReady))
    child.once('exit', () => reject(new Error('The measured server did not start.')))
  })
  const request = (message: BenchRequest) =>
    new Promise<BenchAnswer>((resolve) => {
      child.once('message', (answer) => resolve(answer as BenchAnswer))
      child.send(message)
    })
  const server: MeasuredServer = {
    issuer: ready.issuer,
    users: ready.users,
    sessions: await sessionsOf(ready),
    modern: ready.users.map(({ token }) => modernBenchSession(ready.baseUrl + ready.modernPath, token)),
    forget: async (user) => void (await request({ forget: user })),
    ask: async (user) => (await request({ ask: user })).url ?? '',
    async browserOf(user) {
      // The pair that is measured is GET and POST; the page that the POST redirects to is left out.
      const browser = httpBrowser({ stopBefore: `${ready.baseUrl}/credentials/asked/done` })
      const page = await browser.open(await server.ask(user))
      const provider = await browser.follow(await browser.press(page, 'Sign in'), 'Continue')
      await browser.press(provider, `Continue as ${user}`)
      return browser
    },
    cpu: async () => (await request({ cpu: true })).cpu,
    close: () => child.disconnect(),
  }
  return server
}

export function sessionsOf({ baseUrl, users }: Pick<BenchReady, 'baseUrl' | 'users'>): Promise<BenchSession[]> {
  return Promise.all(users.map(({ token }) => openBenchSession(`${baseUrl}/mcp`, token)))
}
