import { missingFields } from '../../core/lifecycle/state-of.ts'
import { lastDayOf } from '../../core/model/expiry.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import type { CredentialView, Fact, Tone } from '../pages/page-views.ts'
import type { PageServices } from '../request/page-services.ts'
import { accountAction, type CredentialVisit } from './account-visit.ts'
import type { SeenCredential } from './seen-credential.ts'

type State = SeenCredential['state']

interface Wording {
  readonly tone: Tone
  readonly state: (service: string) => string
  readonly explanation?: (service: string) => string
}

const WORDINGS: Readonly<Record<State, Wording>> = {
  active: { tone: 'success', state: () => 'Connected' },
  unverified: {
    tone: 'warning',
    state: () => 'Saved, but not checked',
    explanation: (service) => `Nobody has asked ${service} about it yet. Test it to find out whether it works.`,
  },
  absent: { tone: 'neutral', state: () => 'Not connected' },
  rejected: {
    tone: 'error',
    state: (service) => `Rejected by ${service}`,
    explanation: (service) =>
      `It may have expired or been deleted there, so your assistant does not use it any more. Replace it, or use it again if ${service} was wrong.`,
  },
  expired: {
    tone: 'error',
    state: () => 'Expired',
    explanation: () => 'Its last day has passed, so your assistant does not use it any more. Replace it.',
  },
  incomplete: {
    tone: 'warning',
    state: () => 'Needs one more field',
    explanation: (service) => `${service} needs a field that your credential does not have yet. Enter it again.`,
  },
  revoked: { tone: 'neutral', state: () => 'Revoked' },
  unreachable: {
    tone: 'warning',
    state: () => 'Cannot be reached right now',
    explanation: () => 'The store of your credential does not answer. Nothing is lost; look again in a moment.',
  },
  broken: {
    tone: 'error',
    state: () => 'Cannot be shown',
    explanation: () =>
      'This server has a problem with its credential store. Entering the credential again will not help; tell the people who run it.',
  },
  refused: {
    tone: 'error',
    state: () => 'Cannot be shown',
    explanation: () =>
      'The stored credential was not saved by this server, so your assistant does not use it. Tell the people who run the server. Once it is revoked, you can enter your own again.',
  },
}

/** Returns one service of the list, with the buttons that make sense in its state. */
export function credentialRow(services: PageServices, visit: CredentialVisit, seen: SeenCredential): CredentialView {
  const { provider } = visit
  const { tone, state, explanation } = WORDINGS[seen.state]
  const service = serviceOf(provider)
  return {
    name: provider.name,
    service: provider.label,
    tone,
    state: state(service),
    explanation: seen.state === 'incomplete' ? lackOf(provider, seen) : explanation?.(service),
    facts: [...storedFacts(provider, seen), ...useFacts(services, visit, seen)],
    actions: actionsOf(services, visit, seen.state),
  }
}

/** The heading of the row names the account, so what it says about the service does without. */
function serviceOf({ service, label }: FormProvider): string {
  return service ?? label
}

function lackOf(provider: FormProvider, { status }: SeenCredential): string | undefined {
  const fields = status?.status === 'active' ? (status.fields ?? []) : []
  const names = missingFields(provider.variables, fields).map(({ label }) => label)
  return `Your credential has no value for: ${names.join(', ')}. Enter it again.`
}

/** Returns what is stored besides the values, none of which is shown. */
export function storedFacts(provider: FormProvider, { status }: SeenCredential): readonly Fact[] {
  if (status?.status !== 'active') return []
  const { accountName, expiresAt, rejectedAt } = status.labels ?? {}
  const isOver = expiresAt && expiresAt.getTime() <= Date.now()
  return [
    ...(accountName ? [{ name: `Account at ${serviceOf(provider)}`, value: accountName }] : []),
    { name: 'Saved on', value: dayOf(status.version.createdAt) },
    ...(rejectedAt ? [{ name: 'Rejected on', value: dayOf(rejectedAt) }] : []),
    ...(expiresAt ? [{ name: isOver ? 'Expired on' : 'Expires on', value: dayOf(lastDayOf(expiresAt)) }] : []),
  ]
}

/** Leaves out the use of an earlier version, and returns nothing when this process has seen none. */
function useFacts({ parts }: PageServices, { key }: CredentialVisit, { status }: SeenCredential): readonly Fact[] {
  const at = parts.lastUsed?.(key)
  if (status?.status !== 'active' || !at || at < status.version.createdAt) return []
  return [{ name: 'Last used on', value: dayOf(at), note: 'as far as this server process knows' }]
}

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })

/** Returns the day in UTC. A backend may return an invalid date. */
export function dayOf(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'an unknown day' : DAY.format(date)
}

function actionsOf(services: PageServices, visit: CredentialVisit, state: State): CredentialView['actions'] {
  const { provider } = visit
  const button = (...[action, label, primary = false]: [Parameters<typeof accountAction>[2], string, boolean?]) =>
    accountAction(services, visit, action, { label, provider, primary })
  const revoke = {
    kind: 'link',
    label: 'Revoke',
    about: provider.label,
    href: `${services.site.root}/${provider.name}/revoke`,
  } as const
  switch (state) {
    case 'absent':
    case 'revoked':
      return [button('connect', 'Connect', true)]
    case 'active':
    case 'unverified':
      return [...(isTestable(services, provider) ? [button('test', 'Test')] : []), button('connect', 'Replace'), revoke]
    case 'rejected':
      return [button('connect', 'Replace', true), button('reinstate', 'Use it again'), revoke]
    case 'expired':
    case 'incomplete':
      return [button('connect', 'Replace', true), revoke]
    case 'unreachable':
    case 'broken':
    case 'refused':
      // A revocation is always tried. A form could not be saved, or would hide that somebody else has written here.
      return [revoke]
  }
}

export function isTestable({ parts }: PageServices, { verify }: FormProvider): boolean {
  return parts.testStored !== undefined && verify !== undefined
}
