import type { Logger } from '../model/logger.ts'
import { printable } from '../model/printable.ts'

export type LogLevel = keyof Logger

/** The fields of a line besides its message. `docs/observability.md` has the same table. */
export const LOG_FIELDS = {
  component: 'The part that writes the line, such as `audit`.',
  correlationId: 'Joins the line with the audit log, with spans, and with the reference that users are shown.',
  provider: 'Name of the provider.',
  reason: 'Stable token of an error.',
  method: 'HTTP method of a request, `_OTHER` for an unknown one.',
  route: 'Route of a request with a name for each variable part, `other` for a path that is none of ours.',
  status: 'HTTP status of the answer.',
  durationMs: 'Milliseconds until the answer had been sent.',
  aborted: 'True if the client closed the connection before.',
  address: 'Address of the client.',
} as const

export type LogFields = { readonly [F in keyof typeof LOG_FIELDS]?: string | number | boolean | undefined }

/** Writes a line. It never throws. */
export type WriteLog = (level: LogLevel, message: string, fields?: LogFields) => void

/** Tells an operator. The message contains no secret; the fields repeat what of it programs look for. */
export type Warn = (message: string, fields?: LogFields) => void

const LONGEST_FIELD = 200

/** Returns how lines about one part are written to a logger. Names that came from outside can break neither a line nor a terminal. */
export function logTo(logger: Logger, component: string): WriteLog {
  return (level, message, fields = {}) => {
    try {
      const written = logger[level]({ component, ...cleanFields(fields) }, oneLine(message))
      if (written instanceof Promise) written.catch(() => undefined)
    } catch {
      // A failing logger must not affect the operation.
    }
  }
}

function cleanFields(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === 'string' ? oneLine(value).slice(0, LONGEST_FIELD) : value]),
  )
}

export function oneLine(text: string): string {
  return printable(text).replace(/\s*\n\s*/g, ' ')
}
