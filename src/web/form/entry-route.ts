import { linkPath } from '../http/site.ts'
import { type Answer, seeOther } from '../request/answer.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import { type PageServices, viewerOf } from '../request/page-services.ts'
import { type Admission, aboutLink, endedAnswer } from './admission.ts'
import { formPage } from './form-page.ts'

/** The form, for the link's owner. Uses nothing up, however often it is opened. */
export async function entry(services: PageServices, request: PageRequest, admission: Admission): Promise<Answer> {
  if (admission.state !== 'open') return endedAnswer(services, admission, admission.state, false)
  // With no audit log nothing can be saved, so nobody is asked for a secret.
  const line = { ...aboutLink(services, admission), ...lineOf(request) }
  await services.journal.grant({ type: 'form.opened', outcome: 'success', ...line })
  return { page: formPage(services, admission) }
}

/** The page that the owner sees after a save. */
export async function done(services: PageServices, _request: PageRequest, admission: Admission): Promise<Answer> {
  const { state, target } = admission
  if (state === 'open') return { page: seeOther(services.site, linkPath(services.site, 'entry', target)) }
  if (state !== 'saved') return endedAnswer(services, admission, state, false)
  return savedAnswer(services, admission, connectedAccount(services, admission))
}

export function savedAnswer(services: PageServices, admission: Admission, account: string | undefined): Answer {
  const { session, target, provider } = admission
  const viewer = viewerOf(services, session, target)
  return {
    page: services.renderer.message(services.messages.saved(viewer, provider.label, account)),
    // What was typed must not come back out of the browser's memory.
    headers: { 'Clear-Site-Data': '"cache"' },
  }
}

function connectedAccount({ parts }: PageServices, { session, request }: Admission): string | undefined {
  return session.connected?.request === parts.pendingRequests.label(request) ? session.connected.account : undefined
}
