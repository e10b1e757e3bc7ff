import type { CredentialVaultError } from '../../core/model/errors.ts'

/** Text for the user when the backend did not save the credential. The form keeps values that are not secret, and the link still works. */
export function saveFailure(
  error: CredentialVaultError,
  reference: string,
): { readonly heading: string; readonly text: string } {
  if (error.code === 'outcome_unknown')
    return {
      heading: 'It is not known whether this was saved',
      text: 'The credential store did not answer in time. Enter the credential again: saving it twice is safe.',
    }
  return { heading: 'Nothing was saved', text: `${reasonText(error)} Reference: ${reference}` }
}

function reasonText({ code, reason, retryAfterSeconds }: CredentialVaultError): string {
  if (code === 'forbidden' || code === 'unauthenticated' || code === 'configuration_invalid')
    return 'This server cannot use its credential store. Trying again will not help; tell the people who run it.'
  if (reason === 'quota') return 'This credential was changed too often today. Try again tomorrow.'
  if (reason === 'still_being_removed') return 'The earlier credential is still being removed. Try again in a minute.'
  if (retryAfterSeconds !== undefined)
    return `The credential store is busy. Try again in ${Math.ceil(retryAfterSeconds)} seconds.`
  return 'The credential store refused or could not be reached. Try again in a moment.'
}
