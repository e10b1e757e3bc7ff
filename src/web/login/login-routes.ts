import { isVaultError } from '../../core/model/errors.ts'
import type { LoginStart, SignedInUser } from '../../core/ports/identity.ts'
import { type LinkTarget, linkPath } from '../http/site.ts'
import { LOGIN_SECONDS, loginId } from '../session/login-cookie.ts'
import { acceptPost, readFields, rejected } from '../visit/posted-form.ts'
import { answerRateLimited } from '../visit/rate-limited.ts'
import { about, answer, type Desk, seeOther, type Visit } from '../visit/visit.ts'
import { linkTarget } from './link-target.ts'

/** Of an error in the identity provider's answer, as the browser tells it. */
const ANSWERED_UNAVAILABLE = 'issuer_answered'
const LOGIN_FIELDS = new Set(['provider', 't', 'switch', 'issuer'])

/**
 * Begins a login. The answer is a page that leads on, not a redirect: browsers apply `form-action` to redirects too, and would block one
 * to the identity provider.
 */
export async function beginLogin(desk: Desk, visit: Visit): Promise<void> {
  const { parts, logins, limits, renderer, messages } = desk
  const { ctx } = visit
  if (!(await acceptPost(desk, visit))) return
  const wait = await limits.logins.take(visit.address)
  if (wait > 0) {
    await rejected(desk, visit, 'rate_limited')
    return answerRateLimited(desk, visit, wait)
  }
  const fields = await readFields(desk, visit)
  if (!fields) return
  const target = linkTarget(fields.get('provider'), fields.get('t'))
  const { browserLogin } = parts.identity
  const issuer = fields.get('issuer')
  const choice = browserLogin.choices?.find((possible) => possible.issuer === issuer)
  const wrongChoice = browserLogin.choices ? !choice : issuer !== undefined
  if (!target || wrongChoice || [...fields.keys()].some((name) => !LOGIN_FIELDS.has(name))) {
    await rejected(desk, visit, 'unknown_field')
    return answer(ctx, renderer.message(messages.malformedForm()))
  }

  let start: LoginStart
  try {
    start = await browserLogin.begin({ switchAccount: fields.get('switch') === '1', issuer })
  } catch (error) {
    return failed(desk, visit, target, error)
  }
  if (start.kind === 'signed-in') return signIn(desk, visit, target, start.user)
  const redirectTo = loginUrl(start.redirectTo)
  logins.set(ctx, redirectTo.searchParams.get('state') ?? '', {
    transaction: start.transaction,
    target,
    startedAt: Date.now(),
  })
  // A quote would end the address inside the refresh tag.
  answer(ctx, renderer.message(messages.leaving(redirectTo.href.replaceAll("'", '%27'), choice)))
}

/** The identity provider's answer. Only the browser that began the login can finish it, and only once. */
export async function finishLogin(desk: Desk, visit: Visit): Promise<void> {
  const { parts, site, logins, renderer, messages } = desk
  const { ctx } = visit
  const states = new URLSearchParams(ctx.querystring).getAll('state')
  const state = states.length === 1 ? (states[0] ?? '') : ''
  const login = states.length > 1 ? undefined : logins.find(ctx, state)
  if (!login || (await isUsed(desk, state, login.startedAt))) {
    await loginFailed(desk, visit, login ? 'login_used' : 'login_cookie')
    if (login) logins.clear(ctx, state)
    return answer(ctx, renderer.message(messages.loginNotFound()))
  }

  const callback = new URL(site.callbackUrl)
  callback.search = ctx.querystring
  let user: SignedInUser
  try {
    user = await parts.identity.browserLogin.complete(callback, login.transaction)
  } catch (error) {
    logins.clear(ctx, state)
    // An outage is no answer: the same login may be finished once it is over.
    if (!isVaultError(error, 'unavailable')) await endLogin(desk, state, login.startedAt)
    return failed(desk, visit, login.target, error)
  }
  parts.health.recovered('identity')
  await endLogin(desk, state, login.startedAt)
  logins.clear(ctx, state)
  if (await desk.sessions.isEndedSince(user, login.startedAt)) {
    await loginFailed(desk, visit, 'sessions_ended')
    return answer(ctx, renderer.message(messages.loginNotFound()))
  }
  await signIn(desk, visit, login.target, user, login.startedAt)
}

/** A login's cookie is worthless once the login is done, even to somebody who kept a copy. */
function endLogin({ parts }: Desk, state: string, startedAt: number): Promise<void> {
  return parts.sessions.useLogin(loginId(state), startedAt + LOGIN_SECONDS * 1000)
}

function isUsed({ parts }: Desk, state: string, startedAt: number): Promise<boolean> {
  return parts.sessions.isLoginUsed({ id: loginId(state), startedAt })
}

async function signIn(
  desk: Desk,
  visit: Visit,
  target: LinkTarget,
  user: SignedInUser,
  loginStartedAt?: number,
): Promise<void> {
  const { issuer, subject } = user
  await desk.journal.grant({ type: 'login.succeeded', outcome: 'success', owner: { issuer, subject }, ...about(visit) })
  await desk.sessions.start(visit.ctx, user, loginStartedAt)
  seeOther(visit.ctx, desk.site, linkPath(desk.site, 'entry', target))
}

async function failed(desk: Desk, visit: Visit, target: LinkTarget, error: unknown): Promise<void> {
  const { parts, renderer, messages } = desk
  if (isVaultError(error, 'login_failed', 'owner_unknown')) {
    const { correlationId } = visit
    const reason = error.reason ?? error.code
    await loginFailed(desk, visit, reason)
    if (!error.retryable) {
      // Its user can do nothing about it.
      const problem = `A sign-in failed: ${reason}, reference ${correlationId}. ${error.message}`
      visit.ctx.app.emit('error', new Error(problem), visit.ctx)
    }
    return answer(visit.ctx, renderer.message(messages.loginFailed(target, error, correlationId)))
  }
  if (!isVaultError(error, 'unavailable')) throw error
  // What the browser brought is anybody's word.
  if (error.reason !== ANSWERED_UNAVAILABLE) parts.health.failed('identity', error.reason ?? error.code)
  await loginFailed(desk, visit, error.reason ?? error.code)
  visit.ctx.set('Retry-After', '10')
  answer(visit.ctx, renderer.message(messages.loginUnavailable(target, visit.correlationId)))
}

async function loginFailed(desk: Desk, visit: Visit, reason: string): Promise<void> {
  await desk.journal.note({
    type: 'login.failed',
    outcome: 'failure',
    reason,
    actor: { kind: 'anonymous' },
    ...about(visit),
  })
}

function loginUrl(text: string): URL {
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new TypeError('the login leads to something that is no web page')
  return url
}
