import { setTimeout as delay } from 'node:timers/promises'
import { CredentialVaultError, isVaultError } from '../../core/errors.ts'
import type { AuthMethod, Login, LoginApi } from './auth/auth-method.ts'

/** One principal's token: obtained once for all callers, renewed before it ends, replaced when it has ended. */
export interface VaultSession {
  /** The token to send; undefined for an agent that adds its own. Throws `unauthenticated` or `unavailable`. */
  token(signal: AbortSignal): Promise<string | undefined>
  /**
   * What a 403 with this token is about. `again`: the token has ended and there is another one. `unauthenticated`: it has ended and cannot
   * be replaced. `policy`: the token is good.
   */
  refused(token: string | undefined, texts: string): Promise<'again' | 'unauthenticated' | 'policy'>
  close(): Promise<void>
}

interface Held {
  readonly login: Login
  readonly since: number
  /** performance.now() at which the token is over; Infinity for one that never ends. */
  readonly until: number
}

/** Milliseconds. */
const LOGIN_DEADLINE = 4_000
const BETWEEN_FAILED_LOGINS = 5_000
const BETWEEN_LOOKUPS = 30_000
const YOUNG = 5_000
const GRACE = 200
/** The longest that setTimeout takes; a longer one would fire at once. */
const MAX_TIMER = 2_147_483_647
/** Seconds. A token that renewal no longer brings beyond this is replaced. */
const SHORT = 60

export function createSession(method: AuthMethod, api: LoginApi): VaultSession {
  let held: Held | undefined
  let loggingIn: Promise<Held> | undefined
  let lastFailure: { readonly at: number; readonly error: CredentialVaultError } | undefined
  let lookedUpAt = Number.NEGATIVE_INFINITY
  let graced: Held | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function hold(login: Login): Held {
    const since = performance.now()
    held = { login, since, until: login.ttlSeconds > 0 ? since + login.ttlSeconds * 1000 : Number.POSITIVE_INFINITY }
    schedule(held)
    return held
  }

  /** Renewal at two thirds of the time, with jitter, so that replicas do not come all at once. */
  function schedule({ login, until, since }: Held): void {
    clearTimeout(timer)
    if (closed || until === Number.POSITIVE_INFINITY) return
    arm(since + login.ttlSeconds * 1000 * (0.6 + Math.random() / 10), () => void renew())
  }

  function arm(at: number, then: () => void): void {
    const wait = Math.max(at - performance.now(), 0)
    timer = setTimeout(() => (wait > MAX_TIMER ? arm(at, then) : then()), Math.min(wait, MAX_TIMER)).unref()
  }

  async function renew(): Promise<void> {
    const before = held
    if (!before || closed) return
    try {
      const renewed = before.login.renewable ? await api.renew(before.login, deadline()) : undefined
      if (held !== before) return
      const shrinking = !renewed || renewed.ttlSeconds < Math.min(SHORT, before.login.ttlSeconds)
      if (renewed) hold(renewed)
      if (shrinking && method.canRepeat) await loginOnce()
    } catch (error) {
      // The token is still good for a while: what is refused now is replaced, what is unreachable is tried again.
      if (held !== before) return
      if (!isVaultError(error, 'unavailable') && method.canRepeat) void loginOnce().catch(() => undefined)
      else if (performance.now() < before.until - BETWEEN_FAILED_LOGINS)
        arm(performance.now() + BETWEEN_FAILED_LOGINS, () => void renew())
    }
  }

  function loginOnce(): Promise<Held> {
    if (lastFailure && performance.now() - lastFailure.at < BETWEEN_FAILED_LOGINS)
      return Promise.reject(lastFailure.error)
    loggingIn ??= method
      .login(api, deadline())
      .then(
        (login) => {
          lastFailure = undefined
          return hold(login)
        },
        (error: unknown) => {
          const refused = loginError(method.name, error)
          // An outage ends by itself; a login that is refused again and again may lock the account or use up a secret id.
          if (refused.code !== 'unavailable') lastFailure = { at: performance.now(), error: refused }
          throw refused
        },
      )
      .finally(() => {
        loggingIn = undefined
      })
    return loggingIn
  }

  async function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
    if (signal.aborted) throw over()
    let stop: (() => void) | undefined
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(over())
      signal.addEventListener('abort', stop, { once: true })
    })
    try {
      return await Promise.race([work, aborted])
    } finally {
      if (stop) signal.removeEventListener('abort', stop)
    }
  }

  return {
    async token(signal) {
      if (held && (await method.changed?.())) held = undefined
      if (held && performance.now() < held.until) return held.login.token
      return (await within(signal, loginOnce())).login.token
    },

    async refused(token, texts) {
      const refused = held
      if (!refused || refused.login.token !== token) return 'again'
      if (token === undefined) return 'policy'
      if (/invalid token|bad token/i.test(texts)) return replace(refused)
      // A standby may not have heard of a new token yet.
      if (refused !== graced && refused.login.fromLogin && performance.now() - refused.since < YOUNG) {
        graced = refused
        await delay(GRACE)
        return 'again'
      }
      if (performance.now() - lookedUpAt < BETWEEN_LOOKUPS) return 'policy'
      lookedUpAt = performance.now()
      const known = await api.known(token, deadline()).catch(() => true)
      return known ? 'policy' : replace(refused)
    },

    async close() {
      closed = true
      clearTimeout(timer)
      const last = held
      held = undefined
      if (last?.login.fromLogin && last.login.revocable) await api.revoke(last.login, deadline()).catch(() => undefined)
    },
  }

  function replace(refused: Held): 'again' | 'unauthenticated' {
    if (!method.canRepeat) return 'unauthenticated'
    if (held === refused) held = undefined
    return 'again'
  }
}

function deadline(): AbortSignal {
  return AbortSignal.timeout(LOGIN_DEADLINE)
}

function over(): CredentialVaultError {
  return new CredentialVaultError('unavailable', 'Logging in to Vault took too long. Nothing was changed.', {
    reason: 'login_timeout',
    retryable: true,
  })
}

function loginError(name: string, error: unknown): CredentialVaultError {
  if (isVaultError(error)) return error
  return new CredentialVaultError('unauthenticated', `The ${name} login to Vault failed.`, { reason: 'login' })
}
