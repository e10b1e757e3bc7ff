import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'

/** A variable set to nothing counts as not set, as in Compose files. */
export function withoutEmpty(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
}

/**
 * Runs `make`, whose options came from variables. Its errors then name the variable that the operator set instead of the option.
 *
 * @param variables by the option's path in errors, e.g. `oidc.issuer`
 */
export function fromVariables<T>(variables: Readonly<Record<string, string>>, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!isCredentialVaultError(error, 'configuration_invalid')) throw error
    const message = Object.entries(variables).reduce(
      (text, [path, variable]) =>
        text.replace(new RegExp(`\\b${path.replaceAll('.', '\\.')}(?!\\.?\\w)`, 'g'), `environment.${variable}`),
      error.message,
    )
    throw new CredentialVaultError(error.code, message, error.reason === undefined ? {} : { reason: error.reason })
  }
}
