import type { VerifyFailure } from '../../core/ports/form-provider.ts'
import { about, type Desk, type Visit } from '../visit/visit.ts'
import { type Admission, aboutLink } from './admission.ts'
import { answerForm } from './form-page.ts'

/** Nothing is saved when `verify` comes to no answer. The operator reads why; the user, what to do next. */
export async function answerUnverified(
  desk: Desk,
  visit: Visit,
  admission: Admission,
  values: ReadonlyMap<string, string>,
  { reason, detail, passing, fields }: VerifyFailure,
): Promise<void> {
  const { provider } = admission
  const { correlationId } = visit
  desk.parts.warn(`${provider.name}: verify failed: ${detail} (${reason}, correlation id ${correlationId})`)
  await desk.journal.note({
    type: 'credential.verification_failed',
    outcome: fields.size > 0 ? 'failure' : 'error',
    reason,
    ...aboutLink(desk, admission),
    ...about(visit),
  })
  if (fields.size > 0) {
    answerForm(desk, visit, admission, { status: 422, heading: 'There is a problem', values, fields })
    return
  }
  const unasked = `${provider.label} could not be asked whether this works.`
  answerForm(desk, visit, admission, {
    status: 503,
    heading: 'Nothing was saved',
    values,
    general: passing
      ? `${unasked} Try again in a moment.`
      : `${unasked} If it happens again, tell whoever runs this server. Reference: ${correlationId}`,
  })
}
