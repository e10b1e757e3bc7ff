import { type Logger, type LogLevel, logTo, oneLine, type Warn } from './logger.ts'
import { processLog } from './process-log.ts'

/**
 * One line for operators, with its time, level and place: `2026-11-27T05:10:18.123Z warn mcp-credential-vault/audit: …`.
 *
 * @param place the part that it is about, such as `audit`
 */
export function notice(level: LogLevel, place: string, message: string): string {
  return `${new Date().toISOString()} ${level} mcp-credential-vault/${place}: ${oneLine(message)}\n`
}

/** Writes warnings about a part to the log of this process, by default lines on standard error. */
export function warnAbout(place: string): Warn {
  return (message, fields) => {
    const log = processLog()
    if (log) logTo(log, place)('warn', message, fields)
    else process.stderr.write(notice('warn', place, message))
  }
}

/** Returns how a part notes what is no problem: in the logger of its options, else in the log of this process, else nowhere. */
export function notesOf({ logger }: WarningOptions, place: string): Warn {
  return (message, fields) => {
    const log = logger ?? processLog()
    if (log) logTo(log, place)('info', message, fields)
  }
}

/** Where a part's warnings go. */
export interface WarningOptions {
  readonly warn?: ((message: string) => void) | undefined
  readonly logger?: Logger | undefined
}

/** Returns how a part warns: both of what its options name, else `fallback`. An error of a listener does not affect the operation. */
export function warningsOf({ warn, logger }: WarningOptions, place: string, fallback: Warn = warnAbout(place)): Warn {
  if (!warn && !logger) return fallback
  const log = logger && logTo(logger, place)
  return (message, fields) => {
    log?.('warn', message, fields)
    try {
      warn?.(message)
    } catch {
      // A failing listener must not affect the operation.
    }
  }
}
