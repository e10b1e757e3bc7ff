import { CSRF_FIELD, csrfTokenMatches } from '../http/csrf.ts'
import { type ReturnTarget, returnTargetOf } from '../http/site.ts'
import { type Answer, isAnswer } from '../request/answer.ts'
import type { PageRequest } from '../request/page-request.ts'
import { type PageServices, SIGN_OUT_PURPOSE } from '../request/page-services.ts'
import { readFields, rejected } from '../request/posted-form.ts'

/** Ends the session on every replica, until no copy of its cookie is valid any more. */
export async function signOut(services: PageServices, request: PageRequest): Promise<Answer> {
  const { parts, sessions, renderer, messages } = services
  const { req } = request.ctx
  const fields = await readFields(services, request)
  if (isAnswer(fields)) return fields
  const { session, cookies } = await sessions.read(req)
  const owner = session && { issuer: session.issuer, subject: session.subject }
  if (session && owner) {
    if (!csrfTokenMatches(parts.sealer, session.id, SIGN_OUT_PURPOSE, fields.get(CSRF_FIELD))) {
      const page = renderer.message(messages.staleForm(undefined, undefined))
      return { page, cookies, event: rejected('csrf', { owner }) }
    }
    await sessions.end(session)
  }
  const answer = signedOutAnswer(services, request, { target: returnTargetOf(fields) })
  return {
    ...answer,
    cookies: [...cookies, ...answer.cookies],
    ...(owner && { event: { type: 'login.ended', outcome: 'success', reason: 'signed_out', owner } }),
  }
}

/** Tells the user that they are signed out, and drops this browser's cookies. The caller has ended the session. */
export function signedOutAnswer(
  { site, sessions, logins, renderer, messages }: PageServices,
  { ctx }: PageRequest,
  { target, everywhere = false }: { readonly target: ReturnTarget | undefined; readonly everywhere?: boolean },
) {
  return {
    page: renderer.message(messages.signedOut(target, everywhere)),
    cookies: [sessions.droppedCookie(), ...logins.allCleared(ctx.req)],
    // Do not clear the data of other applications on a shared origin. "cookies" would clear the whole registered domain, so it is not used.
    headers: { 'Clear-Site-Data': site.sharedOrigin ? '"cache"' : '"cache", "storage"' },
  } satisfies Answer
}
