import { linkPath } from '../http/site.ts'
import { type Answer, seeOther } from '../request/answer.ts'
import type { PageRequest } from '../request/page-request.ts'
import { type PageServices, viewerOf } from '../request/page-services.ts'
import { type AuthorizedLink, endedAnswer } from './authorized-link.ts'

/** Shows the owner the result of a save. */
export async function done(services: PageServices, _request: PageRequest, authorized: AuthorizedLink): Promise<Answer> {
  const { state, target } = authorized
  if (state === 'open') return { page: seeOther(services.site, linkPath(services.site, 'entry', target)) }
  if (state !== 'saved') return endedAnswer(services, authorized, state, false)
  return savedAnswer(services, authorized, connectedAccount(services, authorized))
}

export function savedAnswer(services: PageServices, authorized: AuthorizedLink, account: string | undefined): Answer {
  const { session, target, provider, request } = authorized
  const viewer = viewerOf(services, session, target)
  return {
    page: services.renderer.message(
      services.messages.saved(viewer, provider.label, { account, openedBy: request.openedBy }),
    ),
    // The browser must not restore the typed values from its cache.
    headers: { 'Clear-Site-Data': '"cache"' },
  }
}

function connectedAccount({ parts }: PageServices, { session, request }: AuthorizedLink): string | undefined {
  return session.connected?.request === parts.pendingRequests.label(request) ? session.connected.account : undefined
}
