import { type ChildProcess, spawn } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import type { WriteLog } from '../../../core/host/logger.ts'
import { CredentialVaultError } from '../../../core/model/errors.ts'
import { type InstanceFolder, openInstanceFolder, sweepInstances } from './instance-folder.ts'
import { WATCHDOG_SCRIPT } from './watchdog-script.ts'

/** A process that outlives the proxy for as long as it takes to end every child and to remove their files. One for each proxy. */
export interface Watchdog {
  /** Holds the folders of children. Removed with the proxy. */
  readonly folder: string
  /** Holds credential files, on a tmpfs where there is one. Removed with the proxy. */
  readonly secretsFolder: string
  /** Undefined while it is being started again. */
  readonly pid: number | undefined
  /** Resolves once the watchdog has confirmed that it ends this process group after the proxy. */
  watch(group: number, name: string): Promise<void>
  /** The group has ended, and its number may be used again. */
  forget(group: number, name: string): void
  /** Ends the watchdog, and with it every group that it still watches, and removes the folders. */
  close(): Promise<void>
}

export interface WatchdogOptions {
  /** Where the folders of children are made: room for what they download. Default the system's folder for temporary files. */
  readonly folder?: string
  /** Where credential files are made. Default `XDG_RUNTIME_DIR`, then `/dev/shm`, if it is a tmpfs; else `folder`. */
  readonly secretsFolder?: string
  readonly log: WriteLog
}

interface Answer {
  resolve(): void
  reject(error: CredentialVaultError): void
}

const TMPFS = 0x01021994
const RESTART_AFTER = 100

/**
 * Starts the watchdog, after it has swept what proxies left behind that died together with theirs.
 *
 * @throws `configuration_invalid` (`file`) if a folder's path is too long or holds line ends, `unavailable` (`child_start`) if there is no
 *   `/bin/sh`
 * @example
 * ```ts
 * const watchdog = await openWatchdog({ log: logTo(logger, 'proxy') })
 * const child = await startChild({ watchdog, upstream: 'gitlab', command: ['npx', '-y', '@zereight/mcp-gitlab'], … })
 * ```
 */
export async function openWatchdog({ log, ...options }: WatchdogOptions): Promise<Watchdog> {
  const parent = options.folder ?? tmpdir()
  const secretsParent = options.secretsFolder ?? (await tmpfsFolder()) ?? parent
  for (const place of new Set([parent, secretsParent])) {
    const removed = await sweepInstances(place)
    if (removed > 0) log('warn', `Ended and removed what ${removed} proxies that were killed left behind.`)
  }
  const work = await openInstanceFolder(parent)
  const secrets = await openInstanceFolder(secretsParent)
  return started(work, secrets, log)
}

async function started(work: InstanceFolder, secrets: InstanceFolder, log: WriteLog): Promise<Watchdog> {
  const watched = new Map<string, number>()
  const unanswered = new Map<string, Answer>()
  let shell: ChildProcess | undefined
  let closing = false
  let ended: Promise<void> = Promise.resolve()

  const tell = (line: string) => void shell?.stdin?.write(`${line}\n`)

  function start(): Promise<void> {
    // A session of its own: a signal to the proxy's group must not end the watchdog first.
    const process = spawn('/bin/sh', ['-c', WATCHDOG_SCRIPT, 'mcv-watchdog', work.path, secrets.path], {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin' },
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    shell = process
    process.stdin.on('error', () => undefined)
    ended = new Promise((resolve) => {
      process.once('error', () => resolve())
      process.once('exit', () => resolve())
    })
    void ended.then(restart)
    return new Promise((resolve) => {
      createInterface({ input: process.stdout }).on('line', (line) => {
        if (line === 'ready') {
          letGo(process)
          resolve()
        }
        unanswered.get(line)?.resolve()
        unanswered.delete(line)
      })
      void ended.then(resolve)
      for (const [name, group] of watched) tell(`+ ${group} ${name}`)
    })
  }

  function restart(): void {
    shell = undefined
    if (closing) return
    log('error', 'The watchdog of the proxy has ended, and is started again. Nobody but the proxy should end it.')
    setTimeout(() => closing || void start(), RESTART_AFTER).unref()
  }

  await start()
  if (!shell) {
    closing = true
    for (const folder of [work, secrets]) await folder.remove()
    throw new CredentialVaultError('unavailable', 'The watchdog needs /bin/sh, which could not be started.', {
      reason: 'child_start',
    })
  }
  return {
    folder: work.path,
    secretsFolder: secrets.path,
    get pid() {
      return shell?.pid
    },

    watch(group, name) {
      if (closing) return Promise.reject(isClosed())
      watched.set(name, group)
      return new Promise((resolve, reject) => {
        unanswered.set(name, { resolve, reject })
        tell(`+ ${group} ${name}`)
      })
    },

    forget(group, name) {
      watched.delete(name)
      unanswered.delete(name)
      tell(`- ${group} ${name}`)
    },

    async close() {
      closing = true
      shell?.ref()
      shell?.stdin?.end()
      await ended
      for (const { reject } of unanswered.values()) reject(isClosed())
      for (const folder of [work, secrets]) await folder.remove()
    },
  }
}

/** An application that has nothing else to do may end, and the watchdog with it. */
function letGo(process: ChildProcess): void {
  process.unref()
  for (const pipe of [process.stdin, process.stdout]) if (pipe instanceof Socket) pipe.unref()
}

function isClosed(): CredentialVaultError {
  return new CredentialVaultError('unavailable', 'The proxy stops, so it starts no server.', { reason: 'closed' })
}

async function tmpfsFolder(): Promise<string | undefined> {
  for (const folder of [process.env['XDG_RUNTIME_DIR'], '/dev/shm']) {
    const found = folder ? await statfs(folder).catch(() => undefined) : undefined
    if (found?.type === TMPFS) return folder
  }
  return undefined
}
