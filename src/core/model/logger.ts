import { z } from 'zod'

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
