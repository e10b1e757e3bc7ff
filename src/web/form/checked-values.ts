import { checkExpiryDate, type ExpiryPolicy, expiryOf } from '../../core/model/expiry.ts'
import { checkFormValues, type FieldProblem } from '../../core/model/form-values.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import type { WriteIntent } from '../../core/ports/secret-backend.ts'
import { CSRF_FIELD } from '../http/csrf.ts'
import { type Answer, isAnswer } from '../request/answer.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'
import { rejected } from '../request/posted-form.ts'
import { type AuthorizedLink, aboutLink } from './authorized-link.ts'
import { EXPIRY_FIELD } from './expiry-field.ts'
import { unverifiedAnswer } from './failure-answers.ts'
import { formPage, UNVERIFIED_FIELD } from './form-page.ts'

/** Values that passed every check and may be saved. */
export interface CheckedValues {
  readonly values: CredentialValues
  /** Facts about the values, from `verify` and the form. */
  readonly labels: CredentialLabels
}

export type CredentialLabels = NonNullable<WriteIntent['labels']>

/** Longest name of an account that is kept, in characters. */
const MAX_ACCOUNT_NAME = 100

const NO_EXPIRY: ExpiryPolicy = { date: 'none', maxAgeDays: undefined }
const TOO_LARGE = 'All fields together are too long to save. Shorten them.'
const NO_PROBLEMS: ReadonlyMap<string, FieldProblem> = new Map()

/** Checks the typed values by the provider's variables and then by its `verify`, if it has one. */
export async function checkedValues(
  services: PageServices,
  request: PageRequest,
  authorized: AuthorizedLink,
  fields: ReadonlyMap<string, string>,
): Promise<CheckedValues | Answer> {
  const { provider } = authorized
  const link = aboutLink(services, authorized)
  const { expiry = NO_EXPIRY } = provider
  if (hasUnknownField(provider, fields)) {
    const page = services.renderer.message(services.messages.malformedForm())
    return { page, event: rejected('unknown_field', link) }
  }
  const check = checkFormValues(provider.variables, fields)
  const problems = check.ok ? (provider.fieldProblems?.(check.values) ?? NO_PROBLEMS) : check.problems
  const date = checkExpiryDate(expiry, fields.get(EXPIRY_FIELD) ?? '', Date.now())
  if (!check.ok || problems.size > 0 || !date.ok) {
    const trouble = {
      status: 422,
      heading: 'There is a problem',
      values: fields,
      fields: problems,
      ...(!date.ok && { expiry: date.problem }),
      ...(!check.ok && check.tooLarge && { general: TOO_LARGE }),
    } as const
    return { page: formPage(services, authorized, trouble), event: rejected('invalid', link) }
  }
  const verified = await verifiedLabels(services, request, authorized, check.values, fields)
  if (isAnswer(verified)) return verified
  return { values: check.values, labels: labelsOf(expiry, verified.labels, date.expiresAt) }
}

function hasUnknownField(
  { variables, expiry = NO_EXPIRY, allowUnverified = false }: FormProvider,
  fields: ReadonlyMap<string, string>,
): boolean {
  const asked = [...(expiry.date === 'none' ? [] : [EXPIRY_FIELD]), ...(allowUnverified ? [UNVERIFIED_FIELD] : [])]
  const known = new Set([CSRF_FIELD, ...asked, ...variables.map(({ name }) => name)])
  return [...fields.keys()].some((name) => !known.has(name))
}

function savesUnverified({ allowUnverified }: FormProvider, fields: ReadonlyMap<string, string>): boolean {
  return allowUnverified === true && fields.get(UNVERIFIED_FIELD) === 'yes'
}

function labelsOf(expiry: ExpiryPolicy, told: CredentialLabels, typed: Date | undefined): CredentialLabels {
  const expiresAt = expiryOf(expiry, { service: told.expiresAt, user: typed }, Date.now())
  return { ...told, ...(expiresAt && { expiresAt }) }
}

/** Asks the service to verify the values. Resolves to what the service tells of them. */
async function verifiedLabels(
  services: PageServices,
  request: PageRequest,
  authorized: AuthorizedLink,
  values: CredentialValues,
  fields: ReadonlyMap<string, string>,
): Promise<Pick<CheckedValues, 'labels'> | Answer> {
  const { provider } = authorized
  if (!provider.verify) return { labels: {} }
  const link = aboutLink(services, authorized)
  const verification = await provider.verify(values)
  if (verification.ok === 'unknown') {
    // A refusal is never passed over: only values that could not be tried may be saved without it.
    if (!savesUnverified(provider, fields) || verification.fields.size > 0)
      return unverifiedAnswer(services, request, authorized, fields, verification)
    const { reason } = verification
    const line = { type: 'credential.verification_failed', outcome: 'error', reason } as const
    await services.journal.note({ ...line, ...link, ...lineOf(request) })
    return { labels: { unverified: true } }
  }
  if (!verification.ok) {
    const heading = `${provider.label} does not accept this`
    return {
      page: formPage(services, authorized, { status: 422, heading, values: fields, general: verification.problem }),
      event: { type: 'credential.verification_failed', outcome: 'failure', reason: 'refused', ...link },
    }
  }
  await services.journal.note({ type: 'credential.verified', outcome: 'success', ...link, ...lineOf(request) })
  const accountName = verification.accountName?.slice(0, MAX_ACCOUNT_NAME)
  const { expiresAt } = verification
  return { labels: { ...(accountName && { accountName }), ...(expiresAt && { expiresAt }) } }
}
