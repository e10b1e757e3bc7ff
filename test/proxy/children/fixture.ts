import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEchoGuard } from '../../../src/core/echo-guard/echo-guard.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import { type Child, startChild } from '../../../src/proxy/children/child.ts'
import type { ChildOptions } from '../../../src/proxy/children/child-options.ts'
import type { JsonRpcMessage } from '../../../src/proxy/children/messages/json-lines.ts'
import { openWatchdog, type Watchdog } from '../../../src/proxy/children/watchdog/watchdog.ts'

export const ECHO_SERVER = join(import.meta.dirname, 'echo-server.mjs')

/** A watchdog with folders of the test's own, and what children log. */
export interface ChildWorld {
  readonly watchdog: Watchdog
  readonly root: string
  readonly lines: string[]
  start(options?: Partial<ChildOptions>): Promise<Child>
  options(options?: Partial<ChildOptions>): ChildOptions
  /** Ends the children that were started here, also those of a test that has failed. */
  endAll(): Promise<void>
  /** What is below the folders for work and for credentials, without the proxy's own sockets. */
  remains(): readonly string[]
  close(): Promise<void>
}

export async function childWorld(): Promise<ChildWorld> {
  const root = mkdtempSync(join(tmpdir(), 'children-'))
  const lines: string[] = []
  const children = new Set<Child>()
  const log: ChildOptions['log'] = (level, message) => void lines.push(`${level} ${message}`)
  const watchdog = await openWatchdog({ folder: root, log })
  const options = (more: Partial<ChildOptions> = {}): ChildOptions => ({
    watchdog,
    upstream: 'echo',
    command: [process.execPath, ECHO_SERVER],
    guard: createEchoGuard(),
    log,
    ...more,
  })
  return {
    watchdog,
    root,
    lines,
    options,
    async start(more) {
      const child = await startChild(options(more))
      children.add(child)
      return child
    },
    async endAll() {
      await Promise.all([...children].map((child) => child.end('session_closed', 0)))
      children.clear()
    },
    remains: () =>
      [watchdog.folder, watchdog.secretsFolder]
        .flatMap((folder) => readdirSync(folder))
        .filter((name) => name !== 'alive'),
    async close() {
      await watchdog.close()
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** A guard that looks for these secrets. */
export function guardOf(...secrets: string[]) {
  const guard = createEchoGuard()
  const values = Object.fromEntries(secrets.map((secret, at) => [`secret${at}`, secret]))
  const options = Object.fromEntries(
    Object.keys(values).map((name) => [name, { label: name, type: 'password' as const }]),
  )
  guard.add(defineVariables(options), Object.freeze(values))
  return guard
}

let ids = 0

/** Calls a method and returns its result, passing over every other message. */
export async function call(child: Child, method: string, params: object = {}): Promise<unknown> {
  ids += 1
  const id = ids
  await child.send({ jsonrpc: '2.0', id, method, params })
  for (;;) {
    const message = await next(child)
    if (!message) throw new Error(`the child ended during ${method}`)
    if (message['id'] === id) return message['result']
  }
}

export async function next(child: Child): Promise<JsonRpcMessage | undefined> {
  const { value, done } = await child.messages.next()
  return done ? undefined : value
}

/** Whether a process runs that is not a zombie. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Processes of any kind, but zombies, whose environment or command line contains the text. */
export function processesWith(text: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && isRunning(Number(name)))
    .map(Number)
    .filter((pid) => ['environ', 'cmdline'].some((file) => contentOf(`/proc/${pid}/${file}`).includes(text)))
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
