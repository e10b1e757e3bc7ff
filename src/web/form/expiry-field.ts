import type { ExpiryPolicy, ExpiryProblem } from '../../core/model/expiry.ts'
import type { FieldView } from '../pages/page-views.ts'

/** No variable can have this name, because theirs have no hyphen. */
export const EXPIRY_FIELD = 'expires-on'

export interface TypedExpiry {
  readonly value: string
  readonly problem: ExpiryProblem | undefined
}

/** Returns the form's field for the date on which the credential ends, or undefined if the provider asks for none. */
export function expiryField(
  policy: ExpiryPolicy | undefined,
  service: string,
  typed: TypedExpiry | undefined,
): FieldView | undefined {
  if (!policy || policy.date === 'none') return undefined
  const error = typed?.problem && expiryProblemText(policy, typed.problem)
  const hint = `hint-${EXPIRY_FIELD}`
  return {
    id: `field-${EXPIRY_FIELD}`,
    name: EXPIRY_FIELD,
    label: 'Expires on',
    optional: policy.date === 'optional',
    hint: `The last day on which it works at ${service}. You are told before it ends.`,
    error,
    describedBy: error === undefined ? hint : `${hint} error-${EXPIRY_FIELD}`,
    control: 'input',
    type: 'date',
    value: typed?.value ?? '',
    masked: false,
  }
}

export function expiryProblemText({ maxAgeDays }: ExpiryPolicy, problem: ExpiryProblem): string {
  switch (problem) {
    case 'missing':
      return 'Expires on: enter the date.'
    case 'not_a_date':
      return 'Expires on: enter a date such as 2027-03-31.'
    case 'past':
      return 'Expires on: this day has passed. Enter a credential that still works.'
    case 'too_far':
      return `Expires on: this server accepts credentials for at most ${maxAgeDays} days. Create one with a shorter life.`
  }
}
