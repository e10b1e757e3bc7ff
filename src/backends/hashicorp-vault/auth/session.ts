import { setTimeout as delay } from 'node:timers/promises'
import { CredentialVaultError, isCredentialVaultError } from '../../../core/model/errors.ts'
import type { AuthMethod, Login, LoginApi } from './auth-method.ts'
import { createRenewal } from './renewal.ts'

/** One principal's token: obtained once for all callers, renewed before it expires, replaced after it has expired. */
export interface HashicorpVaultSession {
  /** Returns the token to send, or undefined when an agent adds its own. Throws `unauthenticated` or `unavailable`. */
  token(signal: AbortSignal): Promise<string | undefined>
  /**
   * Finds the cause of a 403 with this token. `again`: the token has expired and there is another one, or it is so new that a standby may
   * not know it. `unauthenticated`: it has expired and cannot be replaced. `policy`: the token is valid.
   */
  refused(token: string | undefined, texts: string, attempt: number): Promise<Verdict>
  close(): Promise<void>
}

export type Verdict = 'again' | 'unauthenticated' | 'policy'

interface Held {
  readonly login: Login
  readonly since: number
  /** performance.now() at which the token expires; Infinity when it never does. */
  readonly until: number
  /** The pending question whether Vault still knows it. Shared, since many calls are refused at once. */
  asking?: Promise<Verdict>
}

export interface SessionOptions {
  /**
   * For one user of many: does nothing in the background, and does not remember failures, because the next call brings its own assertion.
   */
  readonly onDemand?: boolean
}

/** Milliseconds. */
const LOGIN_DEADLINE = 4_000
const BETWEEN_FAILED_LOGINS = 5_000
const FRESH_TOKEN_MS = 5_000
const GRACE = 200

export function createSession(
  method: AuthMethod,
  api: LoginApi,
  { onDemand = false }: SessionOptions = {},
): HashicorpVaultSession {
  let held: Held | undefined
  let loggingIn: Promise<Held> | undefined
  let lastFailure: { readonly at: number; readonly error: CredentialVaultError } | undefined
  let closed = false

  const renewal = createRenewal({
    api,
    renewed: (login) => hold(login),
    ending: () => {
      if (method.canRepeat && !closed) loginOnce().catch(() => undefined)
    },
  })

  function hold(login: Login): Held {
    const since = performance.now()
    held = { login, since, until: login.ttlSeconds > 0 ? since + login.ttlSeconds * 1000 : Number.POSITIVE_INFINITY }
    if (!closed && !onDemand) renewal.watch(login)
    return held
  }

  async function logIn(): Promise<Held> {
    if (closed) throw ended()
    try {
      // The application's login function may never return.
      const login = await within(AbortSignal.timeout(LOGIN_DEADLINE), (signal) => method.login(api, signal))
      lastFailure = undefined
      return hold(login)
    } catch (error) {
      const refused = loginError(method.name, error)
      // Outages may be retried immediately. Repeating a refused login may lock the account or use up a secret id.
      const lasting = refused.code !== 'unavailable' && refused.reason !== 'secret_file'
      if (lasting && !onDemand) lastFailure = { at: performance.now(), error: refused }
      throw refused
    }
  }

  async function loginOnce(): Promise<Held> {
    if (lastFailure && performance.now() - lastFailure.at < BETWEEN_FAILED_LOGINS) throw lastFailure.error
    loggingIn ??= logIn().finally(() => {
      loggingIn = undefined
    })
    return loggingIn
  }

  const isGood = (candidate: Held | undefined): candidate is Held =>
    candidate !== undefined && performance.now() < candidate.until

  async function replacedFromOutside(): Promise<void> {
    if (!held || !(await method.changed?.())) return
    const before = held
    await loginOnce().catch((error: unknown) => {
      // The file may have been read while it was written.
      if (!isGood(before)) throw error
    })
  }

  function replace(refused: Held): Verdict {
    if (!method.canRepeat) return 'unauthenticated'
    if (held === refused) held = undefined
    return 'again'
  }

  async function ask(refused: Held, token: string): Promise<Verdict> {
    try {
      const known = await api.known(token, AbortSignal.timeout(LOGIN_DEADLINE)).catch(() => true)
      return known ? 'policy' : replace(refused)
    } finally {
      delete refused.asking
    }
  }

  return {
    async token(signal) {
      if (!method.changed && isGood(held) && !signal.aborted) return held.login.token
      return within(signal, async () => {
        await replacedFromOutside()
        return (isGood(held) ? held : await loginOnce()).login.token
      })
    },

    async refused(token, texts, attempt) {
      const refused = held
      if (!refused || refused.login.token !== token) return 'again'
      if (token === undefined) return 'policy'
      if (/invalid token|bad token/i.test(texts)) return replace(refused)
      if (attempt === 1 && refused.login.fromLogin && performance.now() - refused.since < FRESH_TOKEN_MS) {
        await delay(GRACE)
        return 'again'
      }
      refused.asking ??= ask(refused, token)
      return refused.asking
    },

    async close() {
      closed = true
      renewal.stop()
      await loggingIn?.catch(() => undefined)
      const last = held?.login
      held = undefined
      if (last?.fromLogin && last.revocable)
        await api.revoke(last, AbortSignal.timeout(LOGIN_DEADLINE)).catch(() => undefined)
    },
  }
}

/** Runs the work unless the signal is already aborted, and stops waiting for it when the signal aborts. */
async function within<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  if (signal.aborted) throw over()
  let stop: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(over())
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work(signal), aborted])
  } finally {
    if (stop) signal.removeEventListener('abort', stop)
  }
}

function over(): CredentialVaultError {
  return new CredentialVaultError('unavailable', 'Logging in to Vault took too long. Nothing was changed.', {
    reason: 'login_timeout',
    retryable: true,
  })
}

function ended(): CredentialVaultError {
  return new CredentialVaultError('unavailable', 'The Vault backend was closed.', { reason: 'closed' })
}

function loginError(name: string, error: unknown): CredentialVaultError {
  if (isCredentialVaultError(error)) return error
  return new CredentialVaultError('unauthenticated', `The ${name} login to Vault failed.`, { reason: 'login' })
}
