import { z } from 'zod'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { wordsIn } from '../../core/model/options.ts'

export const wholeNumber = z
  .string()
  .regex(/^\d{1,6}$/, 'must be a whole number')
  .transform(Number)

/** Several values, separated by blanks or commas. */
export const words = z.string().transform(wordsIn)

/**
 * Returns the options that carry a store's key, for an environment other than the process's own. From the latter a store reads its key
 * itself and names the variable in its errors.
 */
export function keyOptions(environment: NodeJS.ProcessEnv, key: string | undefined, keyFile: string | undefined) {
  if (environment === process.env) return {}
  return { ...(key !== undefined && { key }), ...(keyFile !== undefined && { keyFile }) }
}

/** Drops empty variables, which count as not set, as in Compose files. */
export function withoutEmpty(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
}

/**
 * Runs `make`, whose options came from variables. Its errors then name the operator's variable instead of the option.
 *
 * @param variables by the option's path in errors, e.g. `oidc.issuer`
 */
export function fromVariables<T>(variables: Readonly<Record<string, string>>, make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw namingVariables(variables, error)
  }
}

/** Returns the same error about the operator's variables instead of the options, or any other error as it is. */
export function namingVariables(variables: Readonly<Record<string, string>>, error: unknown): unknown {
  if (!isCredentialVaultError(error)) return error
  const { code, reason, retryable, retryAfterSeconds, provider } = error
  const message = textNamingVariables(variables, error.message)
  if (message === error.message) return error
  return new CredentialVaultError(code, message, {
    retryable,
    ...(reason !== undefined && { reason }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(provider !== undefined && { provider }),
  })
}

/** Returns a message about the operator's variables instead of the options. */
export function textNamingVariables(variables: Readonly<Record<string, string>>, message: string): string {
  return Object.entries(variables).reduce(
    (text, [path, variable]) =>
      text.replace(new RegExp(`\\b${path.replace(/[.[\]]/g, '\\$&')}(?!\\.?\\w)`, 'g'), `environment.${variable}`),
    message,
  )
}
