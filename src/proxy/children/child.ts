import { setTimeout as delay } from 'node:timers/promises'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { type ChildOptions, checkOptions } from './child-options.ts'
import { type RunningCommand, runCommand } from './child-process.ts'
import type { ChildEnd, EndReason } from './end-reason.ts'
import { createGuardedStderr } from './guarded-stderr.ts'
import { createBrake } from './messages/brake.ts'
import { callsInFlight } from './messages/calls-in-flight.ts'
import { createJsonLines, type JsonRpcMessage } from './messages/json-lines.ts'
import { createMessageInput } from './messages/message-input.ts'
import { createMessageQueue } from './messages/message-queue.ts'
import { endGroup } from './processes/process-group.ts'
import { killNaming } from './processes/process-table.ts'

/** One running MCP server, started for one user. */
export interface Child {
  /** Process id of the command, and number of its process group. */
  readonly pid: number
  /**
   * Messages from the child, for one reader. When `end()` is called, it ends after what has been received; after a revocation or an
   * offboarding it ends at once.
   */
  readonly messages: AsyncIterableIterator<JsonRpcMessage>
  /** Requests to the child that have no answer yet. */
  readonly callsInFlight: number
  /** When the last message was sent or received, as `performance.now()` counts. */
  readonly lastUsed: number
  /** Resolves once nothing of the child is left: no process, no file. Never rejects. */
  readonly ended: Promise<ChildEnd>
  /** True from the moment on at which the child ends, or is told to. */
  readonly isEnding: boolean
  /**
   * Sends a message. Resolves once the pipe has taken it.
   *
   * @throws `unavailable`: `closed` if the child has ended, `overloaded` if it does not read what it is sent. `configuration_invalid`
   *   (`too_large`) if the message is longer than `maxMessageBytes`. After these, nothing was delivered. `outcome_unknown` if the child
   *   ended meanwhile, so that it may have read the message
   */
  send(message: JsonRpcMessage): Promise<void>
  /** The child has started: its start deadline no longer applies. Call it when `initialize` is answered. */
  ready(): void
  /** Counts as use, for a client that has a stream open and sends nothing. */
  touch(): void
  /** Resolves when no call is in flight, or the time in milliseconds is up. */
  settled(milliseconds: number): Promise<void>
  /**
   * Ends the child: receives no further message, sends TERM to the group, and KILL after the grace. A second call can only shorten the
   * grace. The first reason stands.
   */
  end(reason: EndReason, grace?: number): Promise<ChildEnd>
}

/**
 * Starts an MCP server as a child of its own process group. Its environment is exactly `literals`, `slots`, the paths of `files`, and a
 * `HOME` and `TMPDIR` of its own. The watchdog knows the group before the command runs.
 *
 * @throws `configuration_invalid` (`option`, `child_command`, `child_secret_argument`), `unavailable` (`child_start`). No error contains a
 *   value.
 * @example
 * ```ts
 * const child = await startChild({
 *   watchdog,
 *   upstream: 'gitlab',
 *   command: ['npx', '-y', '@zereight/mcp-gitlab'],
 *   literals: { PATH: '/usr/local/bin:/usr/bin:/bin', GITLAB_API_URL: 'https://gitlab.example.com/api/v4' },
 *   slots: { GITLAB_PERSONAL_ACCESS_TOKEN: pat },
 *   guard,
 *   log: logTo(logger, 'proxy'),
 * })
 * await child.send({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
 * for await (const message of child.messages) relay(message)
 * ```
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const checked = checkOptions(options)
  const command = await runCommand(checked)
  // The functions below keep none of the values of the slots and files.
  const { guard, log, upstream, maxMessageBytes, maxWaitingBytes, startDeadline, grace: usualGrace } = checked
  const { pid, output } = command
  const lines = createJsonLines(maxMessageBytes)
  const queue = createMessageQueue(maxWaitingBytes, output)
  const stderr = createGuardedStderr(guard, log, `${upstream} (process ${pid})`)
  const calls = callsInFlight()
  const input = createMessageInput(command.input, { maxMessageBytes, maxWaitingBytes })
  let lastUsed = performance.now()
  const deadline = setTimeout(() => void ending.begin('start_deadline', usualGrace), startDeadline)

  const ending = createEnding(command, async (reason, grace, hurry) => {
    clearTimeout(deadline)
    calls.end()
    // What a server wrote before it ended by itself is still read, such as its last answer.
    if (reason !== 'crashed') queue.finish()
    command.input.destroy()
    await endGroup(pid, grace, hurry)
    // They may hold the output open.
    const strays = await killNaming(`${command.folder.path}/`)
    await outputEnd(command)
    queue.finish()
    stderr.end()
    await command.remove()
    return { invalidLines: lines.invalid, withheldLines: stderr.withheld, strays }
  })

  const slowOutput = createBrake(output, MAX_WASTED)
  const slowErrors = createBrake(command.errors, MAX_WASTED)
  output.on('data', (chunk: Buffer) => {
    const before = lines.wastedBytes
    const found = lines.push(chunk)
    slowOutput(lines.wastedBytes - before)
    if (found.length === 0) return
    lastUsed = performance.now()
    for (const { message } of found) calls.received(message)
    queue.add(found)
  })
  command.errors.on('data', (chunk: Buffer) => {
    stderr.push(chunk)
    slowErrors(chunk.length)
  })

  return {
    pid,
    messages: queue.messages,
    ended: ending.ended,
    settled: calls.settled,

    end(reason, grace = usualGrace) {
      if (reason === 'revoked' || reason === 'offboarded') queue.close()
      return ending.begin(reason, grace)
    },

    ready: () => clearTimeout(deadline),

    async send(message) {
      if (ending.isBegun()) throw hasEnded()
      lastUsed = performance.now()
      await input
        .write(message, () => calls.sent(message))
        .catch((error: unknown) => {
          throw error instanceof CredentialVaultError ? error : hasBrokenOff()
        })
    },

    touch() {
      lastUsed = performance.now()
    },

    get callsInFlight() {
      return calls.count
    },

    get lastUsed() {
      return lastUsed
    },

    get isEnding() {
      return ending.isBegun()
    },
  }
}

/** Bytes a second of standard error, and of standard output that is no message. A child that writes more has to wait. */
const MAX_WASTED = 1_048_576

interface Ending {
  readonly ended: Promise<ChildEnd>
  isBegun(): boolean
  begin(reason: EndReason, grace: number): Promise<ChildEnd>
}

type Outcome = Pick<ChildEnd, 'invalidLines' | 'withheldLines' | 'strays'>

/** Ends a child once, for the first reason, when it is told to or when its command ends by itself. */
function createEnding(
  { exited }: RunningCommand,
  stop: (reason: EndReason, grace: number, hurry: Promise<void>) => Promise<Outcome>,
): Ending {
  let shorten: () => void = () => undefined
  const hurry = new Promise<void>((resolve) => {
    shorten = resolve
  })
  let begun = false
  let conclude: (end: Promise<ChildEnd>) => void = () => undefined
  const ended = new Promise<ChildEnd>((resolve) => {
    conclude = resolve
  })

  async function run(reason: EndReason, grace: number): Promise<ChildEnd> {
    const outcome = await stop(reason, grace, hurry)
    return { reason, ...(await exited), ...outcome }
  }

  function begin(reason: EndReason, grace: number): Promise<ChildEnd> {
    if (begun) setTimeout(shorten, grace).unref()
    else {
      begun = true
      conclude(run(reason, grace))
    }
    return ended
  }

  // What the command has started is of no use without it.
  void exited.then(() => begin('crashed', 0))
  return { ended, begin, isBegun: () => begun }
}

/** Output that nobody has read yet is bounded, and so is the wait for it. Milliseconds. */
const OUTPUT_ENDS_WITHIN = 1_000

async function outputEnd({ output, errors }: RunningCommand): Promise<void> {
  const ends = [output, errors].map(
    (stream) => stream.closed || new Promise<void>((resolve) => stream.once('close', resolve)),
  )
  await Promise.race([Promise.all(ends), delay(OUTPUT_ENDS_WITHIN, undefined, { ref: false })])
  output.destroy()
  errors.destroy()
}

function hasEnded(): CredentialVaultError {
  return new CredentialVaultError('unavailable', 'The server has ended. Try again.', {
    reason: 'closed',
    retryable: true,
  })
}

function hasBrokenOff(): CredentialVaultError {
  return new CredentialVaultError('outcome_unknown', 'The server ended while it was sent a message.', {
    reason: 'child_crashed',
  })
}
