import type { CredentialVaultError } from '../../core/model/errors.ts'

/** Each kind of error once, as `--json` has it. */
export interface Failure {
  readonly code: string
  readonly message: string
}

/** Returns one error of each kind. The errors of one kind differ in the credential's place at most, and the table names the credential. */
export function failuresOf(errors: readonly CredentialVaultError[]): readonly Failure[] {
  const kinds = new Map(errors.toReversed().map((error) => [`${error.code} ${error.reason}`, error]))
  return [...kinds.values()].map(({ code, message }) => ({ code, message })).toReversed()
}

/** Formats the reasons below a table of results. It advises to run the command again only if that may help by itself. */
export function failuresText(errors: readonly CredentialVaultError[]): string {
  const lines = failuresOf(errors).map(({ code, message }) => `${message} [${code}]\n`)
  if (lines.length === 0) return ''
  if (errors.some(mayPass)) return `${lines.join('')}Run the command again for those that failed.\n`
  return `${lines.join('')}Running the command again does not help before that is put right.\n`
}

function mayPass(error: CredentialVaultError): boolean {
  return error.retryable || mayPassByCode(error.code)
}

/** The same where only the code of an error is known. */
export function mayPassByCode(code: string | undefined): boolean {
  return code === 'unavailable' || code === 'outcome_unknown' || code === 'conflict'
}
