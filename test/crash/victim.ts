import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { LOADED, type Message, parse } from './protocol.ts'

/** When to kill: some time after the process was started, after its code was loaded, or after so many of its messages. */
export type Moment =
  | { readonly after: 'start' | 'load'; readonly milliseconds: number }
  | { readonly after: 'messages'; readonly count: number; readonly milliseconds: number }

export interface Remains {
  readonly messages: readonly Message[]
  /** On the clock of the messages. */
  readonly goneAt: number
  /** What went wrong before the kill. */
  readonly problems: readonly string[]
}

/** Starts a process and kills it at the moment. */
export async function killed(
  script: string,
  parameters: readonly string[],
  key: string,
  moment: Moment,
): Promise<Remains> {
  const child = spawn(process.execPath, [script, ...parameters], {
    env: { PATH: process.env['PATH'], MCP_VAULT_KEY: key },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const closed = once(child, 'close')
  const output = { out: '', err: '' }
  child.stderr.on('data', (chunk) => {
    output.err += String(chunk)
  })
  await untilMoment(child, moment, output)
  child.kill('SIGKILL')
  await closed
  const goneAt = Number(process.hrtime.bigint())
  const lines = output.out.split('\n').slice(0, -1)
  const problems = child.signalCode === 'SIGKILL' ? [] : [`a process ended by itself: ${child.exitCode} ${output.err}`]
  if (output.err !== '' && problems.length === 0) problems.push(`a process complained: ${output.err}`)
  return { messages: lines.map(parse).filter((message) => message !== undefined), goneAt, problems }
}

async function untilMoment(child: ChildProcess, moment: Moment, output: { out: string }): Promise<void> {
  const reached = new Promise<void>((resolve) => {
    child.once('close', resolve)
    child.stdout?.on('data', (chunk) => {
      output.out += String(chunk)
      if (moment.after === 'load' && output.out.startsWith(LOADED)) resolve()
      if (moment.after === 'messages' && output.out.split('\n').length > moment.count) resolve()
    })
    if (moment.after === 'start') resolve()
  })
  await reached
  await delay(moment.milliseconds)
}
