import { type Logger, logTo, type Warn } from './logger.ts'
import { notice } from './notice.ts'
import { processLog } from './process-log.ts'

/** Writes warnings about a part to the log of this process, by default lines on standard error. */
export function warnAbout(place: string): Warn {
  return warnVia(place, (message) => process.stderr.write(notice('warn', place, message)))
}

/** Warns without a listener or a part. The default has a type and a code that let operators filter our warnings. */
export const processWarning: Warn = warnVia('process', emitWarning)

/** Returns how a backend, sink or anchor warns, by default with process warnings. */
export function partWarnings(options: WarningOptions, place: string): (message: string) => void {
  return warningsOf(options, place, warnVia(place, emitWarning))
}

/** The one place that decides where a warning without a listener goes: to the log of this process, if there is one. */
function warnVia(place: string, otherwise: (message: string) => void): Warn {
  return (message, fields) => {
    const log = processLog()
    if (log) logTo(log, place)('warn', message, fields)
    else otherwise(message)
  }
}

function emitWarning(message: string): void {
  process.emitWarning(message, { type: 'CredentialVaultWarning', code: 'MCP_CREDENTIAL_VAULT' })
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
