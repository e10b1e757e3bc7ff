import type { CredentialVaultError } from '../../core/model/errors.ts'
import { checkFormValues } from '../../core/model/form-values.ts'
import type { VerifyFailure } from '../../core/ports/form-provider.ts'
import type { Answer } from '../request/answer.ts'
import type { PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'
import { rejected } from '../request/posted-form.ts'
import { type AuthorizedLink, aboutLink } from './authorized-link.ts'
import { formPage } from './form-page.ts'

/** Answers a submit whose `verify` failed. Nothing is saved. The operator is told the cause and the user what to do next. */
export function unverifiedAnswer(
  services: PageServices,
  { correlationId }: PageRequest,
  authorized: AuthorizedLink,
  values: ReadonlyMap<string, string>,
  { reason, detail, passing, fields }: VerifyFailure,
): Answer {
  const { provider } = authorized
  services.parts.warn(`${provider.name}: verify failed: ${detail} (${reason}, correlation id ${correlationId})`, {
    provider: provider.name,
    reason,
    correlationId,
  })
  const outcome = fields.size > 0 ? 'failure' : 'error'
  const event = { type: 'credential.verification_failed', outcome, reason, ...aboutLink(services, authorized) } as const
  if (fields.size > 0) {
    return {
      page: formPage(services, authorized, { status: 422, heading: 'There is a problem', values, fields }),
      event,
    }
  }
  const unchecked = `This credential could not be checked with ${provider.label}.`
  const general = passing
    ? `${unchecked} Try again in a moment.`
    : `${unchecked} If it happens again, tell the people who run this server. Reference: ${correlationId}`
  return {
    page: formPage(services, authorized, {
      status: 503,
      heading: 'Nothing was saved',
      values,
      general,
      unverified: true,
    }),
    event,
  }
}

/** Answers a part of a form whose other values are not there to be kept any more, with the whole form. Nothing is saved. */
export function nothingKept(
  services: PageServices,
  authorized: AuthorizedLink,
  values: ReadonlyMap<string, string>,
): Answer {
  const { variables, label } = authorized.provider
  const check = checkFormValues(variables, values)
  const page = formPage(services, authorized, {
    status: 422,
    heading: 'Nothing was saved',
    values,
    general: `Your ${label} credential was changed while this form was open. Enter every field that it is to have.`,
    ...(!check.ok && { fields: check.problems }),
  })
  return { page, event: rejected('invalid', aboutLink(services, authorized)) }
}

/** Returns heading and text for a save that the backend refused. The form keeps the values that are not secret, and the link still works. */
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
  return 'The credential store refused the request or cannot be reached. Try again in a moment.'
}
