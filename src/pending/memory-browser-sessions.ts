import type { BrowserSessions } from '../core/ports/browser-sessions.ts'

const MAX_REMEMBERED = 100_000
/** Their cookies last ten minutes. */
const MAX_USED_LOGINS = 100_000

/**
 * Ended browser sessions in this process's memory. Sessions that began before this was made are refused, so a restart signs everybody
 * out. The same happens when more than 100000 endings would have to be remembered: forgetting one would let it back in.
 *
 * Of used logins the newest 100000 are remembered, and the oldest is forgotten: its code is good at the identity provider only once.
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
  /** In the order of their use, which is nearly that of their end. */
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
      // A not-before that lies in the future has to be kept even then.
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
