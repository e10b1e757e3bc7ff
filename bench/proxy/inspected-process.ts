import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocket } from 'undici'

/** A Node process that is measured from outside, in the same way whether it is ours or somebody else's. */
export interface InspectedProcess {
  readonly pid: number
  /** CPU time so far, all threads, in microseconds. */
  cpu(): Promise<number>
  /** Bytes in use on the heap and outside it, after a collection of garbage. */
  memory(): Promise<number>
  /** Resident kilobytes, without its children. */
  resident(): number
  evaluate(expression: string): Promise<unknown>
  close(): Promise<void>
}

export interface InspectedOptions {
  /** Parameters of Node, then the program and its own. */
  readonly parameters: readonly string[]
  readonly environment?: NodeJS.ProcessEnv
  /** What it prints once it is ready. */
  readonly ready?: string
  /** Where it answers once it is ready. */
  readonly answersAt?: string
}

/** Starts Node with its inspector on loopback. The inspector costs nothing while nobody asks it. */
export async function startInspected({
  parameters,
  environment,
  ready = '',
  answersAt,
}: InspectedOptions): Promise<InspectedProcess> {
  const child = spawn(process.execPath, ['--inspect=127.0.0.1:0', ...parameters], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that what it starts ends with it.
    detached: true,
  })
  const end = () => endGroup(child)
  process.once('exit', end)
  const output = await untilReady(child, ready)
  if (answersAt !== undefined) await untilAnswering(child, answersAt)
  const [, address = ''] = /Debugger listening on (ws:\S+)/.exec(output) ?? []
  const socket = new WebSocket(address)
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true })
    socket.addEventListener('error', reject, { once: true })
  })
  const ask = conversation(socket)
  const evaluate = async (expression: string) => {
    const answer = await ask('Runtime.evaluate', { expression, returnByValue: true })
    return (answer as { result?: { value?: unknown } }).result?.value
  }
  return {
    pid: child.pid ?? 0,
    evaluate,
    cpu: async () => Number(await evaluate('(({ user, system }) => user + system)(process.cpuUsage())')),
    async memory() {
      // What one collection frees may let another free more.
      for (let round = 0; round < 3; round += 1) await ask('HeapProfiler.collectGarbage')
      return Number(await evaluate('(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())'))
    },
    resident: () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]),
    async close() {
      process.off('exit', end)
      socket.close()
      const ended = once(child, 'close')
      end()
      await ended
    },
  }
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

function untilReady(child: ChildProcess, ready: string): Promise<string> {
  let output = ''
  return new Promise((resolve, reject) => {
    const read = (chunk: unknown) => {
      output += String(chunk)
      if (output.includes(ready) && output.includes('Debugger listening on')) resolve(output)
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('exit', () => reject(new Error(`A measured process did not start: ${output}`)))
  })
}

async function untilAnswering(child: ChildProcess, url: string): Promise<void> {
  while (child.exitCode === null) {
    const answer = await fetch(url).catch(() => undefined)
    await answer?.body?.cancel()
    if (answer) return
    await wait(50)
  }
  throw new Error('A measured process did not start.')
}

function conversation(socket: WebSocket): (method: string, parameters?: object) => Promise<unknown> {
  const waiting = new Map<number, (result: unknown) => void>()
  let last = 0
  socket.addEventListener('message', ({ data }) => {
    const { id, result }: { id?: number; result?: unknown } = JSON.parse(String(data))
    if (id !== undefined) waiting.get(id)?.(result)
  })
  return (method, params = {}) => {
    last += 1
    const id = last
    socket.send(JSON.stringify({ id, method, params }))
    return new Promise((resolve) => waiting.set(id, resolve))
  }
}
