import { type ChildProcess, spawn } from 'node:child_process'
import type { Duplex, Readable, Writable } from 'node:stream'
import { withDeadline } from '../../core/host/deadline.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { type ChildFolder, makeChildFolder } from './child-folder.ts'
import type { CheckedOptions } from './child-options.ts'
import { type Cgroup, joinCgroup } from './processes/cgroup.ts'
import { GATE_DESCRIPTOR, gatedCommand, parentBinding, resolveCommand } from './processes/exec-gate.ts'

/** A command that runs, in a process group that the watchdog knows. */
export interface RunningCommand {
  /** Number of the group, and id of its first process. */
  readonly pid: number
  readonly input: Writable
  readonly output: Readable
  readonly errors: Readable
  readonly folder: ChildFolder
  readonly exited: Promise<Exit>
  /** Tells the watchdog that the group is gone, and removes cgroup and files. */
  remove(): Promise<void>
}

export interface Exit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

/** A watchdog that was killed is there again within a second. Milliseconds. */
const WATCHDOG_ANSWERS_WITHIN = 5_000

/**
 * Starts a process that waits at its gate, tells the watchdog of its group, puts it into its cgroup, and lets it become the command.
 *
 * @throws `configuration_invalid` (`child_command`, `child_cgroup`), `unavailable` (`child_start`, `timeout`), and what `beforeRun` rejects
 *   with
 */
export async function runCommand(options: CheckedOptions): Promise<RunningCommand> {
  const command = resolvedWords(options)
  const folder = await makeChildFolder(options.watchdog, options.files, options.user).catch(() => {
    throw failedStart('Its folder or a credential file could not be written: look whether a disk or /dev/shm is full.')
  })
  const child = spawned(gatedCommand(command, await parentBinding(), Object.keys(options.literals)), options, folder)
  await folder.closeDescriptors()
  const { pid, stdin: input, stdout: output, stderr: errors } = child ?? {}
  const gate = child?.stdio[GATE_DESCRIPTOR] as Duplex | null | undefined
  if (!child || pid === undefined || !input || !output || !errors || !gate) {
    await folder.remove()
    throw failedStart('The system did not start it: it may have too many processes, or the parameters are too long.')
  }
  for (const stream of [input, output, errors, gate]) stream.on('error', () => undefined)
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  })
  let cgroup: Cgroup | undefined
  // By itself, so that `remove` does not keep the values of slots and files.
  const { watchdog } = options
  const remove = async () => {
    watchdog.forget(pid, folder.name)
    await cgroup?.remove()
    await folder.remove()
  }
  try {
    await withDeadline('The watchdog', WATCHDOG_ANSWERS_WITHIN, () => watchdog.watch(pid, folder.name))
    if (options.cgroup !== undefined) cgroup = await joinCgroup(options.cgroup, watchdog.folder, folder.name, pid)
    await options.beforeRun?.(pid)
  } catch (error) {
    // Nothing has run yet. The shell at a closed gate ends by itself.
    gate.destroy()
    await exited
    await remove()
    throw error
  }
  gate.end('go\n')
  return { pid, input, output, errors, folder, exited, remove }
}

function resolvedWords({ command, wrapper, dangerouslyArgs, literals }: CheckedOptions): readonly string[] {
  const path = literals['PATH']
  const [program, ...parameters] = command
  const [first, ...wrapping] = wrapper
  return [
    ...(first === undefined ? [] : [resolveCommand(first, path, 'child.wrapper'), ...wrapping]),
    resolveCommand(program, path, 'child.command'),
    ...parameters,
    ...dangerouslyArgs,
  ]
}

function spawned(
  [program, ...words]: readonly [string, ...string[]],
  options: CheckedOptions,
  folder: ChildFolder,
): ChildProcess | undefined {
  const { literals, slots, user } = options
  try {
    const child = spawn(program, words, {
      cwd: folder.working,
      env: { ...literals, ...slots, ...folder.filePaths, HOME: folder.home, TMPDIR: folder.temporary },
      // A session and a process group of its own.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', ...folder.descriptors],
      ...user,
    })
    return child.on('error', () => undefined)
  } catch {
    // Dropped: the error may contain the parameters.
    return undefined
  }
}

function failedStart(why: string): CredentialVaultError {
  return new CredentialVaultError('unavailable', `The server could not be started. ${why}`, {
    reason: 'child_start',
    retryable: true,
  })
}
