import { logTo } from './logger.ts'
import { type WarningOptions, warningsOf } from './notice.ts'
import { processLog } from './process-log.ts'

/**
 * Warns the operator where no listener was given: through the log of this process, else through Node.js, with a type and a code that let
 * operators filter our warnings.
 */
export function processWarning(message: string): void {
  const log = processLog()
  if (log) logTo(log, 'process')('warn', message)
  else process.emitWarning(message, { type: 'CredentialVaultWarning', code: 'MCP_CREDENTIAL_VAULT' })
}

/** Returns how a backend, sink or anchor warns, by default with process warnings. */
export function partWarnings(options: WarningOptions, place: string): (message: string) => void {
  return warningsOf(options, place, processWarning)
}
