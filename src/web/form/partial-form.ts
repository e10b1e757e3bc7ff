import type { KeptValues } from '../../core/lifecycle/completion.ts'
import { storageKey } from '../../core/model/storage-key.ts'
import type { CredentialValues, Variable } from '../../core/model/variables.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'
import { type AuthorizedLink, aboutLink } from './authorized-link.ts'

/** The fields that the form asks for, and the stored values that it keeps. */
export interface AskedFields {
  /** The link, whose provider has only the variables that are asked for. */
  readonly authorized: AuthorizedLink
  /** Undefined if the form asks for everything. */
  readonly kept?: KeptValues | undefined
}

/**
 * Narrows the form to the fields that the provider has gained since the credential was saved, if it lacks any.
 *
 * @throws a backend's error
 */
export async function missingFieldsOnly(
  { parts }: PageServices,
  request: PageRequest,
  authorized: AuthorizedLink,
): Promise<AuthorizedLink> {
  const { provider, session } = authorized
  const missing = await parts.completion?.missing(storageKey(provider.name, session), provider, lineOf(request))
  return missing?.length ? { ...authorized, provider: asking(provider, missing, {}), isPartial: true } : authorized
}

/**
 * Like {@link missingFieldsOnly}, with the values that are kept, for a form that was sent. A field of the kept ones that the browser sends
 * nevertheless is an unknown field. Undefined if there is nothing to keep any more.
 *
 * @throws `audit_unavailable`, or a backend's error
 */
export async function withKeptValues(
  services: PageServices,
  request: PageRequest,
  authorized: AuthorizedLink,
): Promise<AskedFields | undefined> {
  const asked = await missingFieldsOnly(services, request, authorized)
  if (asked === authorized) return undefined
  const { owner, provider, ...context } = aboutLink(services, authorized)
  const key = storageKey(provider, owner)
  const about = { ...context, ...lineOf(request) }
  const kept = await services.parts.completion?.kept(key, authorized.provider, about)
  if (!kept) return undefined
  return {
    authorized: { ...asked, provider: asking(authorized.provider, asked.provider.variables, kept.values) },
    kept,
  }
}

/** Whether the stored values are still in use and lack a field: `verify` may have taken long, and the service may have rejected them. */
export async function isStillKept(
  services: PageServices,
  request: PageRequest,
  authorized: AuthorizedLink,
): Promise<boolean> {
  return (await missingFieldsOnly(services, request, authorized)) !== authorized
}

/**
 * What a form's token is bound to. A part of a form has another token than the whole one, so the sent form says which one it was, and only a
 * part has to be compared with what is stored.
 */
export function csrfPurpose({ request, isPartial }: Pick<AuthorizedLink, 'request' | 'isPartial'>): string {
  return isPartial ? `${request.handle} part` : request.handle
}

/** A form with fewer variables, whose values are checked together with those that are kept. */
function asking(provider: FormProvider, variables: readonly Variable[], kept: CredentialValues): FormProvider {
  const { fieldProblems, verify } = provider
  return {
    ...provider,
    variables,
    ...(fieldProblems && { fieldProblems: (values) => fieldProblems({ ...kept, ...values }) }),
    verify: verify && ((values) => verify({ ...kept, ...values })),
  }
}
