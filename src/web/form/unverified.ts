import type { VerifyFailure } from '../../core/ports/form-provider.ts'
import type { Answer } from '../request/answer.ts'
import type { PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'
import { type Admission, aboutLink } from './admission.ts'
import { formPage } from './form-page.ts'

/** Nothing is saved when `verify` fails. The operator learns the reason, the user what to do next. */
export function unverifiedAnswer(
  services: PageServices,
  { correlationId }: PageRequest,
  admission: Admission,
  values: ReadonlyMap<string, string>,
  { reason, detail, passing, fields }: VerifyFailure,
): Answer {
  const { provider } = admission
  services.parts.warn(`${provider.name}: verify failed: ${detail} (${reason}, correlation id ${correlationId})`)
  const outcome = fields.size > 0 ? 'failure' : 'error'
  const event = { type: 'credential.verification_failed', outcome, reason, ...aboutLink(services, admission) } as const
  if (fields.size > 0) {
    return {
      page: formPage(services, admission, { status: 422, heading: 'There is a problem', values, fields }),
      event,
    }
  }
  const unchecked = `This credential could not be checked with ${provider.label}.`
  const general = passing
    ? `${unchecked} Try again in a moment.`
    : `${unchecked} If it happens again, tell the people who run this server. Reference: ${correlationId}`
  return { page: formPage(services, admission, { status: 503, heading: 'Nothing was saved', values, general }), event }
}
