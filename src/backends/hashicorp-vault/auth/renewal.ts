import { isCredentialVaultError } from '../../../core/model/errors.ts'
import type { Login, LoginApi } from './auth-method.ts'

/** Keeps one login's token alive in the background. */
export interface Renewal {
  /** Watches this login instead of the one before. */
  watch(login: Login): void
  stop(): void
}

export interface RenewalParts {
  readonly api: LoginApi
  /** Called when the token was renewed. */
  readonly renewed: (login: Login) => void
  /** Called when the token is about to expire and cannot be renewed further. */
  readonly ending: () => void
}

/** Milliseconds. */
const SOONEST = 1_000
const AFTER_FAILURE = 5_000
const RENEW_DEADLINE = 4_000
/** The longest delay of setTimeout; a longer one would fire immediately. */
const MAX_TIMER = 2_147_483_647
/** Seconds. Replace a token whose TTL stays below this after renewal. */
const SHORT = 60

export function createRenewal({ api, renewed, ending }: RenewalParts): Renewal {
  let watched: Login | undefined
  let timer: NodeJS.Timeout | undefined

  /** Renews at about two thirds of the TTL, with jitter, so that replicas do not renew all at once. */
  function watch(login: Login): void {
    stop()
    if (login.ttlSeconds === 0) return
    watched = login
    const wait = login.ttlSeconds * 1000 * (0.6 + Math.random() / 10)
    arm(performance.now() + Math.max(wait, SOONEST), login)
  }

  function arm(at: number, login: Login): void {
    const wait = Math.max(at - performance.now(), 0)
    const fire = () => (wait > MAX_TIMER ? arm(at, login) : void renew(login))
    timer = setTimeout(fire, Math.min(wait, MAX_TIMER)).unref()
  }

  async function renew(login: Login): Promise<void> {
    if (!login.renewable) return ending()
    try {
      const next = await api.renew(login, AbortSignal.timeout(RENEW_DEADLINE))
      if (watched !== login) return
      renewed(next)
      if (next.ttlSeconds < Math.min(SHORT, login.ttlSeconds)) ending()
    } catch (error) {
      if (watched !== login) return
      // Retry during an outage while the token lasts; replace a token whose renewal was refused.
      if (isCredentialVaultError(error, 'unavailable')) arm(performance.now() + AFTER_FAILURE, login)
      else ending()
    }
  }

  function stop(): void {
    clearTimeout(timer)
    watched = undefined
  }

  return { watch, stop }
}
