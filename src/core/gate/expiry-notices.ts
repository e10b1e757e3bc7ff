import { setTimeout as delay } from 'node:timers/promises'
import { BoundedMap } from '../host/bounded-map.ts'
import type { EventListeners } from '../journal/event-listeners.ts'
import { DAY } from '../model/expiry.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { CredentialStatus } from '../ports/secret-backend.ts'
import type { CountUse } from '../requests/shared-limits.ts'
import { gateTexts } from './gate-texts.ts'
import type { GatedCall } from './gated-call.ts'

/** Notices in the results of calls that a credential expires soon, at most one a day for each credential, over all replicas. */
export interface ExpiryNotices {
  /** Returns the line for a result, or undefined if none is due. `label` is what users call the service. */
  noticeFor(key: StorageKey, label: string, status: CredentialStatus, call: GatedCall): Promise<string | undefined>
}

export interface ExpiryNoticesParts {
  readonly events: Pick<EventListeners, 'emit'>
  /** How many days before the expiry the notices begin; 0 gives none. */
  readonly daysAhead: number
  /** Where the user replaces the credential. */
  readonly accountUrl: string
  /** Counts the notices of all replicas. Without it, or while it does not answer, this process knows its own only. */
  readonly countUse: CountUse | undefined
}

const MAX_REMEMBERED = 100_000
/** Milliseconds that a result waits at most, once a day, to learn whether another replica has given the notice. */
const LONGEST_QUESTION = 1_000

export function createExpiryNotices({ events, daysAhead, accountUrl, countUse }: ExpiryNoticesParts): ExpiryNotices {
  const told = new BoundedMap<string, number>(MAX_REMEMBERED)

  function isDue({ path }: StorageKey, expiresAt: Date, now: number): boolean {
    const left = expiresAt.getTime() - now
    if (left <= 0 || left > daysAhead * DAY || now - (told.get(path) ?? 0) < DAY) return false
    told.set(path, now)
    return true
  }

  async function isFirst({ path }: StorageKey): Promise<boolean> {
    const silence = new AbortController()
    const late = delay(LONGEST_QUESTION, undefined, { ref: false, signal: silence.signal }).catch(() => undefined)
    // The call has its result, which a store that refuses to count must not take away.
    const counted = countUse?.('notices', [{ key: path, most: 1 }], DAY).catch(() => undefined)
    const wait = await Promise.race([counted, late])
    silence.abort()
    return wait === undefined || wait === 0
  }

  return {
    async noticeFor(key, label, status, call) {
      const expiresAt = status.status === 'active' ? status.labels?.expiresAt : undefined
      const now = Date.now()
      if (!expiresAt || !isDue(key, expiresAt, now) || !(await isFirst(key))) return undefined
      const { owner, provider } = key
      events.emit('expiring', { owner, provider, expiresAt, correlationId: call.correlationId })
      return gateTexts.expiresSoon(label, expiresAt, new Date(now), accountUrl)
    },
  }
}
