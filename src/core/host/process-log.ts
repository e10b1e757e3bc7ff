import type { Logger } from './logger.ts'

let log: Logger | undefined

/** Returns the log of this process. Undefined unless the runnable server has set one. */
export function processLog(): Logger | undefined {
  return log
}

/** Sends what parts without a logger of their own write to the log of this process, until the returned function is called. */
export function useProcessLog(logger: Logger): () => void {
  log = logger
  return () => {
    if (log === logger) log = undefined
  }
}
