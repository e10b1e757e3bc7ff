import type { LinkTarget } from '../http/site.ts'
import { linkPath } from '../http/site.ts'
import { about, answer, type Desk, seeOther, type Visit, viewerOf } from '../visit/visit.ts'
import { type Admission, aboutLink, admit, answerEnded } from './admission.ts'
import { answerForm } from './form-page.ts'

/** The form, for the link's owner. Uses nothing up, however often it is opened. */
export async function entry(desk: Desk, visit: Visit, target: LinkTarget): Promise<void> {
  const admission = await admit(desk, visit, target, 200)
  if (!admission) return
  if (admission.state !== 'open') return answerEnded(desk, visit, admission, admission.state, false)
  // With no audit log nothing can be saved, so nobody is asked for a secret.
  await desk.journal.grant({ type: 'form.opened', outcome: 'success', ...aboutLink(desk, admission), ...about(visit) })
  answerForm(desk, visit, admission)
}

/** What the owner sees after a save. */
export async function done(desk: Desk, visit: Visit, target: LinkTarget): Promise<void> {
  const admission = await admit(desk, visit, target, 200)
  if (!admission) return
  if (admission.state === 'open') return seeOther(visit.ctx, desk.site, linkPath(desk.site, 'entry', target))
  if (admission.state !== 'saved') return answerEnded(desk, visit, admission, admission.state, false)
  answerSaved(desk, visit, admission, connectedAccount(desk, admission))
}

export function answerSaved(desk: Desk, visit: Visit, admission: Admission, account: string | undefined): void {
  const { session, target, provider } = admission
  // What was typed must not come back out of the browser's memory.
  visit.ctx.set('Clear-Site-Data', '"cache"')
  answer(
    visit.ctx,
    desk.renderer.message(desk.messages.saved(viewerOf(desk, session, target), provider.label, account)),
  )
}

function connectedAccount({ parts }: Desk, { session, request }: Admission): string | undefined {
  return session.connected?.request === parts.pendingRequests.label(request) ? session.connected.account : undefined
}
