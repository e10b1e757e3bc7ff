import { storageKey } from '../../core/model/storage-key.ts'
import { signedOutAnswer } from '../login/sign-out-route.ts'
import { signedInFact, signOutAction } from '../pages/page-renderer.ts'
import type { NoticeView, SessionView } from '../pages/page-views.ts'
import type { Answer } from '../request/answer.ts'
import type { PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'
import { endSessionsOf } from '../session/end-sessions.ts'
import { type AccountVisit, accountAction } from './account-visit.ts'
import { credentialRow } from './credential-facts.ts'
import { seenCredential } from './seen-credential.ts'

/** Shows the user every service of this vault, and the state of their own credential for it. It shows no value, and changes nothing. */
export async function listCredentials(
  services: PageServices,
  request: PageRequest,
  visit: AccountVisit,
): Promise<Answer> {
  const event = { type: 'account.opened', outcome: 'success', owner: visit.owner } as const
  return { ...(await accountAnswer(services, request, visit)), event }
}

/** Shows the list, with the result of what the user did last. */
export async function accountAnswer(
  services: PageServices,
  request: PageRequest,
  visit: AccountVisit,
  notice?: NoticeView,
): Promise<Answer> {
  const providers = [...services.parts.providers.values()].sort((a, b) => a.label.localeCompare(b.label, 'en'))
  const credentials = await Promise.all(
    providers.map(async (provider) => {
      const own = { ...visit, provider, key: storageKey(provider.name, visit.owner) }
      return credentialRow(services, own, await seenCredential(services, request, own))
    }),
  )
  const { viewer } = visit
  return { page: services.renderer.account({ viewer, notice, credentials, session: sessionView(services, visit) }) }
}

function sessionView(services: PageServices, visit: AccountVisit): SessionView {
  const { session, viewer } = visit
  const since = new Date(session.startedAt).toISOString()
  return {
    facts: [signedInFact(viewer), { name: 'Signed in since', value: `${since.slice(11, 16)} UTC`, time: since }],
    actions: [
      signOutAction(services.site, viewer),
      accountAction(services, visit, 'sign-out-everywhere', { label: 'Sign out everywhere' }),
    ],
  }
}

/** Ends every browser session of the user, on every replica. */
export async function signOutEverywhere(
  services: PageServices,
  request: PageRequest,
  { owner }: AccountVisit,
): Promise<Answer> {
  await endSessionsOf(services.parts, owner)
  const event = { type: 'login.ended', outcome: 'success', reason: 'signed_out_everywhere', owner } as const
  return { ...signedOutAnswer(services, request, { target: 'account', everywhere: true }), event }
}
