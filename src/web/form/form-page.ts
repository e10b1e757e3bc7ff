import type { CredentialState } from '../../core/model/credential-state.ts'
import type { ExpiryProblem } from '../../core/model/expiry.ts'
import type { FieldProblem } from '../../core/model/form-values.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import type { PendingRequest } from '../../core/ports/pending-request.ts'
import { CSRF_FIELD, csrfToken } from '../http/csrf.ts'
import { linkPath } from '../http/site.ts'
import { type Page, signedInFact, type Viewer } from '../pages/page-renderer.ts'
import type { Fact, FieldView, FormView } from '../pages/page-views.ts'
import { type PageServices, viewerOf } from '../request/page-services.ts'
import type { AuthorizedLink } from './authorized-link.ts'
import { EXPIRY_FIELD, expiryField } from './expiry-field.ts'
import { fieldView, keeps, problemText } from './field-view.ts'
import { csrfPurpose } from './partial-form.ts'

/** The reason for which the form is shown again. */
export interface FormTrouble {
  readonly status: 422 | 503
  readonly heading: string
  /** The typed values. Secrets among them are dropped here. */
  readonly values: ReadonlyMap<string, string>
  readonly fields?: ReadonlyMap<string, FieldProblem>
  readonly expiry?: ExpiryProblem | undefined
  /** A problem of the form as a whole. */
  readonly general?: string
  /** Whether the service could not be asked, so that the provider may let the values be saved without it. */
  readonly unverified?: boolean
}

/** Sent by the button that saves what could not be checked. No variable can have this name, because theirs have no hyphen. */
export const UNVERIFIED_FIELD = 'save-unverified'

/** Renders the form, or the form again with its problems. */
export function formPage(services: PageServices, authorized: AuthorizedLink, trouble?: FormTrouble): Page {
  const { parts, site, renderer } = services
  const { provider, request, session, target } = authorized
  const typed = trouble && { values: trouble.values, problems: trouble.fields ?? NO_PROBLEMS }
  const cleared = provider.variables.filter(
    (variable) => !keeps(variable) && (trouble?.values.get(variable.name) ?? '') !== '',
  )
  const viewer = viewerOf(services, session, target)
  const typedExpiry = trouble && { value: trouble.values.get(EXPIRY_FIELD) ?? '', problem: trouble.expiry }
  const expiry = expiryField(provider.expiry, provider.label, typedExpiry)
  return renderer.form({
    status: trouble?.status ?? 200,
    viewer,
    service: provider.label,
    lead: leadOf(request, provider.label),
    action: linkPath(site, 'submit', target),
    cancel: linkPath(site, 'cancel', target),
    csrfField: CSRF_FIELD,
    csrf: csrfToken(parts.sealer, session.id, csrfPurpose(authorized)),
    facts: factsOf(services, authorized, viewer),
    fields: [...provider.variables.map((variable) => fieldView(variable, typed)), ...(expiry ? [expiry] : [])],
    guide: services.guideOf(provider.name),
    // A returning user knows the guide, and problems should be seen first.
    guideOpen: request.cause === 'absent' && trouble === undefined,
    problems: trouble ? problemsOf(provider, trouble, expiry) : [],
    saveUnverified: saveUnverified(provider, trouble),
    problemHeading: trouble?.heading ?? '',
    clearedNote:
      cleared.length > 0
        ? `For your protection, secrets are not shown again. Enter again: ${cleared.map(({ label }) => label).join(', ')}.`
        : undefined,
  })
}

const NO_PROBLEMS: ReadonlyMap<string, FieldProblem> = new Map()

function saveUnverified({ allowUnverified }: FormProvider, trouble: FormTrouble | undefined): string | undefined {
  return allowUnverified && trouble?.unverified ? UNVERIFIED_FIELD : undefined
}

/** Lists what is wrong, with a link to each field. */
function problemsOf(
  { variables }: FormProvider,
  { general, fields = NO_PROBLEMS }: FormTrouble,
  expiry: FieldView | undefined,
): FormView['problems'] {
  return [
    ...(general === undefined ? [] : [{ text: general, href: undefined }]),
    ...variables.flatMap((variable) => {
      const problem = fields.get(variable.name)
      return problem ? [{ text: problemText(variable, problem), href: `#field-${variable.name}` }] : []
    }),
    ...(expiry?.error === undefined ? [] : [{ text: expiry.error, href: `#${expiry.id}` }]),
  ]
}

function leadOf({ cause, openedBy }: PendingRequest, label: string): string {
  if (openedBy === 'owner' && cause === 'absent')
    return `Enter your own ${label} credential. You enter it once, and your assistant can use it from then on.`
  return LEAD[cause](label)
}

const LEAD: Readonly<Record<CredentialState, (label: string) => string>> = {
  active: (label) => `Enter a new ${label} credential. Once it is saved, it replaces the one that is stored now.`,
  absent: (label) =>
    `Your assistant needs your own ${label} credential to continue. You enter it once, and it is kept for later.`,
  revoked: (label) => `Your previous ${label} credential has been revoked. Enter a new one for your assistant to use.`,
  rejected: (label) =>
    `${label} rejected your stored credential: it may have expired or been deleted there. Enter a new one.`,
  expired: (label) => `Your ${label} credential has expired. Enter a new one for your assistant to use.`,
  incomplete: (label) => `${label} needs one more field of your credential. Enter it for your assistant to go on.`,
}

function factsOf(
  { parts, site }: PageServices,
  { request, provider }: AuthorizedLink,
  viewer: Viewer,
): readonly Fact[] {
  const { serverName } = parts.options
  const { clientName, tool } = request
  const end = new Date(request.expiresAt).toISOString()
  const minutes = Math.max(1, Math.ceil((request.expiresAt - Date.now()) / 60_000))
  return [
    signedInFact(viewer),
    { name: 'Service', value: provider.label },
    { name: 'Kept by', value: serverName, note: serverName === site.host ? undefined : site.host },
    ...(clientName === undefined || clientName === ''
      ? []
      : [{ name: 'Asked for by', value: clientName, note: 'as it calls itself; this name is not verified' }]),
    ...(tool === undefined ? [] : [{ name: 'For the tool', value: tool }]),
    ...(provider.destinations.length === 0
      ? []
      : [{ name: 'May be sent to', value: provider.destinations.join(', ') }]),
    {
      name: 'Link works until',
      value: `${end.slice(11, 16)} UTC`,
      time: end,
      note: minutes === 1 ? 'one more minute' : `${minutes} more minutes`,
    },
  ]
}
