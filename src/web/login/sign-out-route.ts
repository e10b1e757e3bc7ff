import { CSRF_FIELD, csrfTokenMatches } from '../http/csrf.ts'
import { acceptPost, readFields, rejected } from '../visit/posted-form.ts'
import { about, answer, type Desk, SIGN_OUT_PURPOSE, type Visit } from '../visit/visit.ts'
import { linkTarget } from './link-target.ts'

/** Ends the session on every replica, for as long as a copy of its cookie could be shown. */
export async function signOut(desk: Desk, visit: Visit): Promise<void> {
  const { parts, site, sessions, logins, journal, renderer, messages } = desk
  const { ctx } = visit
  if (!(await acceptPost(desk, visit))) return
  const fields = await readFields(desk, visit)
  if (!fields) return
  const session = await sessions.read(ctx)
  if (session) {
    const owner = { issuer: session.issuer, subject: session.subject }
    if (!csrfTokenMatches(parts.sealer, session.id, SIGN_OUT_PURPOSE, fields.get(CSRF_FIELD))) {
      await rejected(desk, visit, 'csrf', { owner })
      return answer(ctx, renderer.message(messages.staleForm(undefined, undefined)))
    }
    await sessions.end(ctx, session)
    await journal.note({ type: 'login.ended', outcome: 'success', reason: 'signed_out', owner, ...about(visit) })
  } else {
    sessions.forget(ctx)
  }
  logins.clearAll(ctx)
  // Other applications of a shared origin keep what is theirs. "cookies" would clear the whole registered domain, so it is not used.
  ctx.set('Clear-Site-Data', site.sharedOrigin ? '"cache"' : '"cache", "storage"')
  answer(ctx, renderer.message(messages.signedOut(linkTarget(fields.get('provider'), fields.get('t')))))
}
