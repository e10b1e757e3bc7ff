import { z } from 'zod'
import { printable } from '../model/printable.ts'

/**
 * The part of pino's loggers that is used here, so a pino logger, or a child of one, can be given as it is. Methods that throw, or return a
 * promise that rejects, do no harm. One that does not return stops the process, as any synchronous code does.
 *
 * @example
 * ```ts
 * import { oidc, openVault, sealedFile } from 'mcp-credential-vault'
 * import { pino } from 'pino'
 *
 * const logger = pino()
 * const vault = await openVault({
 *   serverBaseUrl: 'https://mcp.example.com',
 *   backend: sealedFile({ folder: './data', logger }),
 *   identity: oidc({ issuer: 'https://login.example.com', clientId: 'mcp-form' }),
 *   logger,
 * })
 * ```
 */
export interface Logger {
  debug(fields: object, message: string): unknown
  info(fields: object, message: string): unknown
  warn(fields: object, message: string): unknown
  error(fields: object, message: string): unknown
}

const METHODS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly (keyof Logger)[]

/** A schema for the option `logger`. */
export const loggerOption = () =>
  z
    .custom<Logger>(
      (value) =>
        typeof value === 'object' &&
        value !== null &&
        METHODS.every((method) => typeof Reflect.get(value, method) === 'function'),
      "must be a logger such as pino's, with the methods debug, info, warn and error",
    )
    .optional()

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
  durationMs: 'Milliseconds until the answer of a request had been sent, or that a shutdown took.',
  aborted: 'True if the client closed the connection before.',
  address: 'Address of the client.',
  signal: 'Signal that a shutdown began with, such as `SIGTERM`.',
  waitingCalls: 'Calls that wait for their users when a shutdown begins.',
  runningCalls: 'Other calls of gated tools that run when a shutdown begins.',
  openSaves: 'Forms and buttons of the pages whose POST has no answer yet when a shutdown begins.',
  cutOff: 'Calls, forms and pages that a shutdown has cut off.',
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
