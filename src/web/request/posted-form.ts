import type { AuditEvent } from '../../core/ports/audit-sink.ts'
import { type BodyRefusal, readFormBody, refusedUnread } from '../http/form-body.ts'
import { hidesOrigin, sentByOurPage } from '../http/same-origin.ts'
import type { Answer, PageEvent } from './answer.ts'
import type { PageRequest } from './page-request.ts'
import type { PageServices } from './page-services.ts'

const BODY_ALREADY_READ =
  "A form of the credential vault was read by another body parser first, and nothing was saved. Mount vault.nodeHandler(), or call a provider's register(), before the parser."

/** Runs the checks that need neither body nor session, cheapest first. Returns the answer to a refused POST. */
export function refusePost(services: PageServices, { ctx }: PageRequest): Answer | undefined {
  const { site, renderer, messages } = services
  if (!sentByOurPage(ctx.req.headers, site.origin)) {
    return { page: renderer.message(messages.foreignForm(hidesOrigin(ctx.req.headers))), event: rejected('origin') }
  }
  const refusal = refusedUnread(ctx)
  return refusal && refuseBody(services, refusal)
}

/** Returns the posted fields, or the answer if they cannot be read. */
export async function readFields(
  services: PageServices,
  { ctx }: PageRequest,
  link?: Partial<PageEvent>,
): Promise<ReadonlyMap<string, string> | Answer> {
  const fields = await readFormBody(ctx)
  if (typeof fields !== 'string') return fields
  // Close the connection: the rest of the body would be read as the next request.
  const headers = fields === 'too_large' ? { Connection: 'close' } : {}
  return { ...refuseBody(services, fields, link), headers }
}

function refuseBody({ renderer, messages }: PageServices, refusal: BodyRefusal, link?: Partial<PageEvent>): Answer {
  const message = {
    content_type: messages.wrongType,
    too_large: messages.tooLarge,
    malformed: messages.malformedForm,
    already_read: messages.bodyAlreadyRead,
  }[refusal]()
  return {
    page: renderer.message(message),
    event: rejected(refusal, link),
    ...(refusal === 'already_read' && { problem: BODY_ALREADY_READ }),
  }
}

export type RejectionReason =
  | BodyRefusal
  | 'origin'
  | 'csrf'
  | 'rate_limited'
  | 'not_open'
  | 'unknown_field'
  | 'invalid'

/** Returns the audit event of a refused POST. */
export function rejected(reason: RejectionReason, link: Partial<PageEvent> = {}): PageEvent {
  const nobody: Pick<AuditEvent, 'actor'> = link.owner === undefined ? { actor: { kind: 'anonymous' } } : {}
  return { type: 'form.rejected', outcome: 'denied', reason, ...nobody, ...link }
}
