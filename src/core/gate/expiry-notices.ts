import { BoundedMap } from '../host/bounded-map.ts'
import type { EventListeners } from '../journal/event-listeners.ts'
import { DAY } from '../model/expiry.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { CredentialStatus } from '../ports/secret-backend.ts'
import { gateTexts } from './gate-texts.ts'
import type { GatedCall } from './gated-call.ts'

/** Notices in the results of calls that a credential expires soon, at most one a day for each credential. */
export interface ExpiryNotices {
  /** Returns the line for a result, or undefined if none is due. `label` is what users call the service. */
  noticeFor(key: StorageKey, label: string, status: CredentialStatus, call: GatedCall): string | undefined
}

export interface ExpiryNoticesParts {
  readonly events: Pick<EventListeners, 'emit'>
  /** How many days before the expiry the notices begin; 0 gives none. */
  readonly daysAhead: number
  /** Where the user replaces the credential. */
  readonly accountUrl: string
}

const MAX_REMEMBERED = 100_000

export function createExpiryNotices({ events, daysAhead, accountUrl }: ExpiryNoticesParts): ExpiryNotices {
  const told = new BoundedMap<string, number>(MAX_REMEMBERED)

  function isDue({ path }: StorageKey, expiresAt: Date, now: number): boolean {
    const left = expiresAt.getTime() - now
    if (left <= 0 || left > daysAhead * DAY || now - (told.get(path) ?? 0) < DAY) return false
    told.set(path, now)
    return true
  }

  return {
    noticeFor(key, label, status, call) {
      const expiresAt = status.status === 'active' ? status.labels?.expiresAt : undefined
      const now = Date.now()
      if (!expiresAt || !isDue(key, expiresAt, now)) return undefined
      const { owner, provider } = key
      events.emit('expiring', { owner, provider, expiresAt, correlationId: call.correlationId })
      return gateTexts.expiresSoon(label, expiresAt, new Date(now), accountUrl)
    },
  }
}
