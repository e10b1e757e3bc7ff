import { type ChildProcess, spawn } from 'node:child_process'
import type { Duplex, Readable, Writable } from 'node:stream'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { callsInFlight } from './calls-in-flight.ts'
import { type ChildCgroup, joinCgroup } from './child-cgroup.ts'
import { type ChildFolder, makeChildFolder } from './child-folder.ts'
import { type CheckedOptions, type ChildOptions, checkOptions } from './child-options.ts'
import type { ChildEnd, EndReason } from './end-reason.ts'
import { GATE_DESCRIPTOR, gatedCommand, resolveCommand } from './exec-gate.ts'
import { createGuardedStderr } from './guarded-stderr.ts'
import { createJsonLines, type JsonRpcMessage } from './json-lines.ts'
import { createMessageQueue } from './message-queue.ts'
import { endGroup } from './process-group.ts'
import { killNaming } from './process-table.ts'

/** One running MCP server, started for one user. */
export interface Child {
  /** Process id of the command, and number of its process group. */
  readonly pid: number
  /** Messages from the child, for one reader. Ends when the child ends, or at once when `end()` is called. */
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
   *   (`too_large`) if the message is longer than `maxMessageBytes`
   */
  send(message: JsonRpcMessage): Promise<void>
  /** The child has started: its start deadline no longer applies. Call it when `initialize` is answered. */
  ready(): void
  /** Counts as use, for a client that has a stream open and sends nothing. */
  touch(): void
  /** Resolves when no call is in flight, or the time in milliseconds is up. */
  settled(milliseconds: number): Promise<void>
  /**
   * Ends the child: hands out no further message, sends TERM to the group, and KILL after the grace. A second call can only shorten the
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
  const path = checked.literals['PATH']
  const [program, ...parameters] = checked.command
  const [wrapper, ...wrapping] = checked.wrapper
  const command = [
    ...(wrapper === undefined ? [] : [resolveCommand(wrapper, path, 'child.wrapper'), ...wrapping]),
    resolveCommand(program, path, 'child.command'),
    ...parameters,
    ...checked.dangerouslyArgs,
  ]
  const folder = await makeChildFolder(checked.watchdog, checked.files, checked.user).catch(() => {
    throw failedStart('Its folder or a credential file could not be written. Look at the disk and at /dev/shm.')
  })
  try {
    const started = await begin(checked, command, folder)
    return supervise(checked, started, folder)
  } finally {
    await folder.closeDescriptors()
  }
}

interface Started {
  readonly process: ChildProcess
  readonly pid: number
  readonly input: Writable
  readonly output: Readable
  readonly errors: Readable
  readonly cgroup: ChildCgroup | undefined
}

/** Starts the process at its gate, makes it known, and opens the gate. */
async function begin(options: CheckedOptions, command: readonly string[], folder: ChildFolder): Promise<Started> {
  const [shell, ...words] = gatedCommand(command)
  const child = spawn(shell, words, {
    cwd: folder.working,
    env: {
      ...options.literals,
      ...options.slots,
      ...folder.filePaths,
      HOME: folder.home,
      TMPDIR: folder.temporary,
    },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', ...folder.descriptors],
    ...options.user,
  })
  const { pid, stdin: input, stdout: output, stderr: errors } = child
  const gate = child.stdio[GATE_DESCRIPTOR] as Duplex | null | undefined
  if (pid === undefined || !input || !output || !errors || !gate) {
    // The text of spawn's error names the command.
    child.once('error', () => undefined)
    await folder.remove()
    throw failedStart('The system could not start it: it has too many processes, or its parameters are too long.')
  }
  for (const stream of [input, output, errors, gate]) stream.on('error', () => undefined)
  await options.watchdog.watch(pid, folder.name)
  const cgroup = options.cgroup === undefined ? undefined : await joinCgroup(options.cgroup, folder, pid)
  gate.end('go\n')
  return { process: child, pid, input, output, errors, cgroup }
}

function supervise(options: CheckedOptions, started: Started, folder: ChildFolder): Child {
  const { process: child, pid, input, output, errors } = started
  const lines = createJsonLines(options.maxMessageBytes)
  const queue = createMessageQueue(options.maxWaitingBytes, output)
  const stderr = createGuardedStderr(options.guard, options.log, `${options.upstream} (process ${pid})`)
  const calls = callsInFlight()
  let lastUsed = performance.now()
  let reason: EndReason | undefined
  let killNow: () => void = () => undefined
  const hurry = new Promise<void>((resolve) => {
    killNow = resolve
  })
  const deadline = setTimeout(() => void end('start_deadline'), options.startDeadline)

  output.on('data', (chunk: Buffer) => {
    const found = lines.push(chunk)
    if (reason !== undefined || found.length === 0) return
    lastUsed = performance.now()
    for (const { message } of found) calls.received(message)
    queue.add(found)
  })
  errors.on('data', (chunk: Buffer) => stderr.push(chunk))

  const exited = new Promise<Pick<ChildEnd, 'exitCode' | 'signal'>>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null)
      resolve({ exitCode: child.exitCode, signal: child.signalCode })
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  })

  async function stop(grace: number): Promise<ChildEnd> {
    clearTimeout(deadline)
    queue.close()
    calls.end()
    input.destroy()
    await endGroup(pid, grace, hurry)
    options.watchdog.forget(pid, folder.name)
    await started.cgroup?.remove()
    const strays = await killNaming(`${folder.path}/`)
    const how = await exited
    stderr.end()
    output.destroy()
    errors.destroy()
    await folder.remove()
    return {
      reason: reason ?? 'crashed',
      ...how,
      invalidLines: lines.invalid,
      withheldLines: stderr.withheld,
      strays,
    }
  }

  let ended: (end: Promise<ChildEnd>) => void = () => undefined
  const whole = new Promise<ChildEnd>((resolve) => {
    ended = resolve
  })

  function end(why: EndReason, grace = options.grace): Promise<ChildEnd> {
    if (reason === undefined) {
      reason = why
      ended(stop(grace))
    } else if (grace < options.grace) setTimeout(killNow, grace).unref()
    return whole
  }
  void exited.then(() => end('crashed', 0))

  async function send(message: JsonRpcMessage): Promise<void> {
    const line = `${JSON.stringify(message)}\n`
    const bytes = Buffer.byteLength(line)
    if (bytes > options.maxMessageBytes) {
      throw new CredentialVaultError('configuration_invalid', 'The message is longer than the server is sent.', {
        reason: 'too_large',
      })
    }
    if (reason !== undefined) throw hasEnded()
    if (input.writableLength + bytes > options.maxWaitingBytes) {
      throw new CredentialVaultError('unavailable', 'The server does not read what it is sent. Try again later.', {
        reason: 'overloaded',
        retryable: true,
      })
    }
    lastUsed = performance.now()
    calls.sent(message)
    await new Promise<void>((resolve, reject) => {
      input.write(line, (error) => (error ? reject(hasEnded()) : resolve()))
    })
  }

  return {
    pid,
    messages: queue.messages,
    ended: whole,
    send,
    end,
    settled: calls.settled,
    ready: () => clearTimeout(deadline),
    touch: () => {
      lastUsed = performance.now()
    },

    get callsInFlight() {
      return calls.count
    },

    get lastUsed() {
      return lastUsed
    },

    get isEnding() {
      return reason !== undefined
    },
  }
}

function failedStart(why: string): CredentialVaultError {
  return new CredentialVaultError('unavailable', `The server could not be started. ${why}`, {
    reason: 'child_start',
    retryable: true,
  })
}

function hasEnded(): CredentialVaultError {
  return new CredentialVaultError('unavailable', 'The server has ended. Try again.', {
    reason: 'closed',
    retryable: true,
  })
}
