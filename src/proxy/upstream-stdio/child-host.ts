import type { WriteLog } from '../../core/host/logger.ts'
import { notesOf, type WarningOptions, warningsOf } from '../../core/host/process-warning.ts'
import { type ChildPool, createChildPool } from '../children/pool/child-pool.ts'
import type { ChildKey } from '../children/pool/pool-key.ts'
import type { PoolLimits } from '../children/pool/pool-limits.ts'
import { openWatchdog, type Watchdog } from '../children/watchdog/watchdog.ts'

/** The processes of one upstream under one configuration. A reload may have two of them for a while. */
export type ConfiguredChildren = Pick<ChildKey, 'upstream' | 'configuration'>

/** What the processes of all upstreams of a proxy share: their limits, and the watchdog that ends them should the proxy be killed. */
export interface ChildHost {
  readonly pool: ChildPool
  readonly log: WriteLog
  /** Starts the watchdog, unless it runs. */
  watchdog(): Promise<Watchdog>
  /** Waits for work, such as the last audit line about a process, before the host is closed. */
  finishes(work: Promise<void>): void
  /** Counts an upstream. The returned function ends its processes, and with those of the last upstream everything else. */
  use(children: ConfiguredChildren): () => Promise<void>
  /** Whether it is closed or about to be, and starts nothing any more. */
  readonly isClosed: boolean
  /** Ends every process. A second call waits for the first. */
  close(): Promise<void>
}

export interface ChildHostOptions {
  readonly limits?: PoolLimits
  /** Where the folders of processes are made. Default the system's folder for temporary files. */
  readonly folder?: string | undefined
  /** Where credential files are made. Default a tmpfs. */
  readonly secretsFolder?: string | undefined
  readonly log: WriteLog
}

export function createChildHost({ limits, log, folder, secretsFolder }: ChildHostOptions): ChildHost {
  const pool = createChildPool(limits)
  const running = new Set<Promise<void>>()
  const users = new Set<ConfiguredChildren>()
  let opening: Promise<Watchdog> | undefined
  let closing: Promise<void> | undefined

  async function close(): Promise<void> {
    await pool.close()
    await Promise.all(running)
    const watchdog = await opening?.catch(() => undefined)
    await watchdog?.close()
  }

  function closeOnce(): Promise<void> {
    closing ??= close()
    return closing
  }

  return {
    pool,
    log,

    watchdog() {
      if (opening) return opening
      const folders = {
        ...(folder !== undefined && { folder }),
        ...(secretsFolder !== undefined && { secretsFolder }),
      }
      const attempt = openWatchdog({ log, ...folders })
      opening = attempt
      // The next child tries again.
      attempt.catch(() => {
        if (opening === attempt) opening = undefined
      })
      return attempt
    },

    finishes(work) {
      const one = work
        .catch(() => undefined)
        .then(() => {
          running.delete(one)
        })
      running.add(one)
    },

    use(children) {
      const user = { ...children }
      users.add(user)
      return async () => {
        users.delete(user)
        await (users.size === 0 ? closeOnce() : pool.end('session_closed', children))
      }
    },

    get isClosed() {
      return closing !== undefined
    },

    close: closeOnce,
  }
}

/** Lines of the servers' standard error are notes, and go nowhere without a logger. */
export function childLog(warnings: WarningOptions): WriteLog {
  const [warn, note] = [warningsOf(warnings, 'proxy'), notesOf(warnings, 'proxy')]
  return (level, message, fields) => (level === 'warn' || level === 'error' ? warn : note)(message, fields)
}
