import { setTimeout as delay } from 'node:timers/promises'
import { adviceOf, reasonOf } from '../../core/journal/refusal-event.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { AuditReason } from '../../core/ports/audit-sink.ts'
import type { LoginStart, SignedInUser } from '../../core/ports/identity.ts'
import { RETURN_FIELDS, type ReturnTarget, returnPath, returnTargetOf } from '../http/site.ts'
import { type Answer, isAnswer, type PageEvent, rateLimited, seeOther } from '../request/answer.ts'
import { lineOf, type PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'
import { readFields, rejected } from '../request/posted-form.ts'
import { LOGIN_SECONDS, loginId } from '../session/login-cookie.ts'

/** Reason of an outage that the identity provider's answer, as brought by the browser, states. */
const ANSWERED_UNAVAILABLE = 'issuer_answered'
/** How often a store that counts a login of this moment as too old is asked again, and after how many milliseconds. */
const REMEMBERED_TRIES = 10
const REMEMBERED_PAUSE = 100
const LOGIN_FIELDS: ReadonlySet<string> = new Set([...RETURN_FIELDS, 'switch', 'issuer'])

/**
 * Begins a login. The answer is a page with a link, not a redirect: browsers apply `form-action` to redirects too and would block one to
 * the identity provider.
 */
export async function beginLogin(services: PageServices, request: PageRequest): Promise<Answer> {
  const { parts, logins, limits, renderer, messages } = services
  const wait = await limits.logins.take(request.address)
  if (wait > 0) return { ...rateLimited(services, wait), event: rejected('rate_limited') }
  const fields = await readFields(services, request)
  if (isAnswer(fields)) return fields
  const target = returnTargetOf(fields)
  const { browserLogin } = parts.identity
  const issuer = fields.get('issuer')
  const choice = browserLogin.choices?.find((possible) => possible.issuer === issuer)
  const wrongChoice = browserLogin.choices ? !choice : issuer !== undefined
  if (!target || wrongChoice || [...fields.keys()].some((name) => !LOGIN_FIELDS.has(name))) {
    return { page: renderer.message(messages.malformedForm()), event: rejected('unknown_field') }
  }

  await mayBeginNow(services)
  let start: LoginStart
  try {
    start = await browserLogin.begin({ switchAccount: fields.get('switch') === '1', issuer })
  } catch (error) {
    return failed(services, request, target, error)
  }
  if (start.kind === 'signed-in') return signIn(services, request, target, start.user)
  const redirectTo = loginUrl(start.redirectTo)
  const login = { transaction: start.transaction, target, startedAt: Date.now() }
  return {
    // A quote would end the address inside the refresh tag.
    page: renderer.message(messages.leaving(redirectTo.href.replaceAll("'", '%27'), choice)),
    cookies: logins.cookiesFor(request.ctx.req, redirectTo.searchParams.get('state') ?? '', login),
  }
}

/** Handles the identity provider's answer. Only the browser that began the login can finish it, and only once. */
export async function finishLogin(services: PageServices, request: PageRequest): Promise<Answer> {
  const { parts, site, logins, renderer, messages } = services
  const { ctx } = request
  const states = new URLSearchParams(ctx.querystring).getAll('state')
  const state = states.length === 1 ? (states[0] ?? '') : ''
  const login = states.length > 1 ? undefined : logins.find(ctx.req, state)
  const notFound = renderer.message(messages.loginNotFound())
  if (!login) return { page: notFound, event: loginFailed('login_cookie') }
  const cookies = logins.cleared(state)
  if (await isUsed(services, state, login.startedAt))
    return { page: notFound, cookies, event: loginFailed('login_used') }

  const callback = new URL(site.callbackUrl)
  callback.search = ctx.querystring
  let user: SignedInUser
  try {
    user = await parts.identity.browserLogin.complete(callback, login.transaction)
  } catch (error) {
    // An outage does not use the login up: it may be finished afterwards.
    if (!isCredentialVaultError(error, 'unavailable')) await endLogin(services, state, login.startedAt)
    return { ...failed(services, request, login.target, error), cookies }
  }
  parts.health.recovered('identity')
  await endLogin(services, state, login.startedAt)
  if (await services.sessions.isEndedSince(user, login.startedAt)) {
    return { page: notFound, cookies, event: loginFailed('sessions_ended') }
  }
  const answer = await signIn(services, request, login.target, user, login.startedAt)
  return { ...answer, cookies: [...cookies, ...(answer.cookies ?? [])] }
}

/**
 * Lets the store of sessions begin to remember, if it came back empty: it refuses logins from before its memory, so one that it first hears of
 * when it ends would be refused. Its clock may be a little ahead of ours.
 */
async function mayBeginNow({ parts }: PageServices): Promise<void> {
  for (let tries = 1; tries <= REMEMBERED_TRIES; tries += 1) {
    if (!(await parts.sessions.isLoginUsed({ id: loginId('none'), startedAt: Date.now() }))) return
    await delay(REMEMBERED_PAUSE)
  }
}

/** Marks a login as used, so that copies of its cookie are worthless. */
function endLogin({ parts }: PageServices, state: string, startedAt: number): Promise<void> {
  return parts.sessions.useLogin(loginId(state), startedAt + LOGIN_SECONDS * 1000)
}

function isUsed({ parts }: PageServices, state: string, startedAt: number): Promise<boolean> {
  return parts.sessions.isLoginUsed({ id: loginId(state), startedAt })
}

async function signIn(
  { journal, sessions, site }: PageServices,
  request: PageRequest,
  target: ReturnTarget,
  user: SignedInUser,
  loginStartedAt?: number,
): Promise<Answer> {
  const { issuer, subject } = user
  await journal.grant({ type: 'login.succeeded', outcome: 'success', owner: { issuer, subject }, ...lineOf(request) })
  const cookie = await sessions.start(request.ctx.req, user, loginStartedAt)
  return { page: seeOther(site, returnPath(site, target)), cookies: [cookie] }
}

function failed(services: PageServices, { correlationId }: PageRequest, target: ReturnTarget, error: unknown): Answer {
  const { parts, renderer, messages } = services
  if (isCredentialVaultError(error, 'login_failed', 'owner_unknown')) {
    const reason = error.reason ?? error.code
    return {
      page: renderer.message(messages.loginFailed(target, error, correlationId)),
      event: loginFailed(reason),
      ...(!error.retryable && { problem: `A sign-in failed: ${reason}, reference ${correlationId}. ${error.message}` }),
    }
  }
  if (!isCredentialVaultError(error, 'unavailable')) throw error
  // The browser can forge this answer, so it must not turn health red.
  if (error.reason !== ANSWERED_UNAVAILABLE) parts.health.failed('identity', reasonOf(error), adviceOf(error))
  return {
    page: renderer.message(messages.loginUnavailable(target, correlationId)),
    event: loginFailed(error.reason ?? error.code),
    headers: { 'Retry-After': '10' },
  }
}

function loginFailed(reason: AuditReason): PageEvent {
  return { type: 'login.failed', outcome: 'failure', reason, actor: { kind: 'anonymous' } }
}

function loginUrl(text: string): URL {
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new TypeError('the login leads to something that is not a web page')
  return url
}
