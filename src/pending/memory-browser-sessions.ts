import type { BrowserSessions } from '../core/ports/browser-sessions.ts'

const MAX_REMEMBERED = 100_000
/** A login's cookie lasts ten minutes. */
const MAX_USED_LOGINS = 100_000

/**
 * Keeps ended browser sessions in this process's memory. Sessions that began before this store was created are refused, so a restart signs
 * all users out. The same happens when it would have to remember more than 100000 endings, because forgetting one would restore a session.
 *
 * It remembers the newest 100000 used logins. Older ones may be forgotten, because the identity provider accepts a code only once.
 *
 * @example
 * ```ts
 * import { memoryBrowserSessions, openVault } from 'mcp-credential-vault'
 *
 * const browserSessions = memoryBrowserSessions()
 * const vault = await openVault({ serverBaseUrl: 'https://mcp.example.com', backend, identity, browserSessions })
 * ```
 */
export function memoryBrowserSessions(): BrowserSessions {
  const sessions = new Map<string, number>()
  const owners = new Map<string, { readonly notBefore: number; readonly until: number }>()
  /** Ordered by use, which is nearly the order of expiry. */
  const logins = new Map<string, number>()
  const begun = Date.now()
  let floor = begun
  let sweepAt = 1000

  function makeRoom(): void {
    if (sessions.size + owners.size < sweepAt) return
    const at = Date.now()
    for (const [id, until] of sessions) if (at >= until) sessions.delete(id)
    for (const [owner, { until }] of owners) if (at >= until) owners.delete(owner)
    if (sessions.size + owners.size >= MAX_REMEMBERED) {
      // A not-before time in the future must be kept even then.
      floor = [...owners.values()].reduce((latest, { notBefore }) => Math.max(latest, notBefore), at)
      sessions.clear()
      owners.clear()
    }
    // Doubling makes the sweep's cost constant for each insertion.
    sweepAt = Math.min(MAX_REMEMBERED, Math.max(1000, 2 * (sessions.size + owners.size)))
  }

  return {
    async end(sessionId, until) {
      makeRoom()
      sessions.set(sessionId, Math.max(until, sessions.get(sessionId) ?? 0))
    },

    async endAll(owner, notBefore, until) {
      makeRoom()
      const earlier = owners.get(owner)
      owners.set(owner, {
        notBefore: Math.max(notBefore, earlier?.notBefore ?? 0),
        until: Math.max(until, earlier?.until ?? 0),
      })
    },

    async isEnded({ id, owner, startedAt }) {
      if (startedAt < floor) return true
      const at = Date.now()
      const endedUntil = sessions.get(id)
      if (endedUntil !== undefined && at < endedUntil) return true
      const rule = owners.get(owner)
      return rule !== undefined && at < rule.until && startedAt < rule.notBefore
    },

    async useLogin(loginId, until) {
      const at = Date.now()
      for (const [id, usedUntil] of logins) {
        if (at < usedUntil && logins.size < MAX_USED_LOGINS) break
        logins.delete(id)
      }
      logins.set(loginId, until)
    },

    async isLoginUsed({ id, startedAt }) {
      if (startedAt < begun) return true
      const usedUntil = logins.get(id)
      return usedUntil !== undefined && Date.now() < usedUntil
    },
  }
}
