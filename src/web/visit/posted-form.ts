import type { AuditEvent } from '../../core/ports/audit-sink.ts'
import { type BodyRefusal, readFormBody, refusedUnread } from '../http/form-body.ts'
import { hidesOrigin, sentByOurPage } from '../http/same-origin.ts'
import { about, answer, type Desk, type Visit } from './visit.ts'

const BODY_ALREADY_READ =
  "A form of the credential vault was read by another body parser first, and nothing was saved. Mount vault.nodeHandler(), or call a provider's register(), before the parser."

/** Checks that need neither body nor session, in the order of their cost. Answers and resolves false when the POST is refused. */
export async function acceptPost(desk: Desk, visit: Visit): Promise<boolean> {
  const { site, renderer, messages } = desk
  if (!sentByOurPage(visit.ctx.req.headers, site.origin)) {
    await rejected(desk, visit, 'origin')
    answer(visit.ctx, renderer.message(messages.foreignForm(hidesOrigin(visit.ctx.req.headers))))
    return false
  }
  const refusal = refusedUnread(visit.ctx)
  if (refusal) await refuseBody(desk, visit, refusal)
  return refusal === undefined
}

/** The posted fields; undefined when they cannot be read, which is answered here. */
export async function readFields(
  desk: Desk,
  visit: Visit,
  link?: Partial<AuditEvent>,
): Promise<ReadonlyMap<string, string> | undefined> {
  const fields = await readFormBody(visit.ctx)
  if (typeof fields !== 'string') return fields
  await refuseBody(desk, visit, fields, link)
  return undefined
}

async function refuseBody(desk: Desk, visit: Visit, refusal: BodyRefusal, link?: Partial<AuditEvent>): Promise<void> {
  const { renderer, messages } = desk
  await rejected(desk, visit, refusal, link)
  const message = {
    content_type: messages.wrongType,
    too_large: messages.tooLarge,
    malformed: messages.malformedForm,
    already_read: messages.bodyAlreadyRead,
  }[refusal]()
  if (refusal === 'already_read') visit.ctx.app.emit('error', new Error(BODY_ALREADY_READ), visit.ctx)
  answer(visit.ctx, renderer.message(message))
}

/** Writes down a refused POST. */
export async function rejected(
  desk: Desk,
  visit: Visit,
  reason: string,
  link: Partial<AuditEvent> = {},
): Promise<void> {
  await desk.journal.note({
    type: 'form.rejected',
    outcome: 'denied',
    reason,
    ...(link.owner === undefined ? { actor: { kind: 'anonymous' } } : {}),
    ...link,
    ...about(visit),
  })
}
