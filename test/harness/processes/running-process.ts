import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { compileCache } from './ended-process.ts'

export interface RunningProcess {
  readonly child: ChildProcess
  /** Everything it printed so far. */
  output(): string
  /** Ends it and waits until it has. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** A command of the virtual environment that `scripts/bring-python.mjs` makes. */
export function pythonCommand(name: string): string {
  const path = resolve('.cache/python/bin', name)
  if (existsSync(path)) return path
  throw new Error(`${name} is not installed: run node scripts/bring-python.mjs`)
}

/** Starts a server and waits until `ready` resolves true. */
export async function startProcess(
  command: string,
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv,
  ready: () => Promise<boolean>,
): Promise<RunningProcess> {
  const child = spawn(command, parameters, {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...compileCache(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output = (output + chunk).slice(-100_000)
    })
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)

  async function stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    process.removeListener('exit', kill)
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await ended
  }

  const deadline = Date.now() + 30_000
  while (!(await ready().catch(() => false))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error(`${command} did not start:\n${output.slice(-2000)}`)
    }
    await delay(50)
  }
  return { child, output: () => output, stop }
}
