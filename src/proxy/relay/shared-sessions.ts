import { ownerKey } from '../../core/model/owner.ts'
import type { McpSession, McpSessions } from '../../mcp/transport/mcp-sessions.ts'
import type { ProxySession, SessionStart } from '../session/proxy-session.ts'

/** Sessions that all requests of one OAuth client of one person share, if the client says the same of itself. Clients do not know their ids. */
export interface SharedSessions {
  /** Returns undefined at the limit of sessions. */
  find(start: SessionStart): Promise<McpSession<ProxySession> | undefined>
}

export function createSharedSessions(sessions: McpSessions<SessionStart, ProxySession>): SharedSessions {
  const shared = new Map<string, Promise<McpSession<ProxySession> | undefined>>()

  async function create(start: SessionStart, forget: () => void): Promise<McpSession<ProxySession> | undefined> {
    try {
      const created = await sessions.create(() => start, start.user)
      if (!created) forget()
      else created.transport.onclose = allOf(created.transport.onclose, forget)
      return created
    } catch (error) {
      forget()
      throw error
    }
  }

  return {
    find(start) {
      const { user, owner, initialize } = start
      const key = JSON.stringify([ownerKey(user), user.clientId ?? null, ownerKey(owner), initialize.params])
      const known = shared.get(key)
      if (known) return known
      const creating: Promise<McpSession<ProxySession> | undefined> = create(start, () => {
        if (shared.get(key) === creating) shared.delete(key)
      })
      shared.set(key, creating)
      return creating
    },
  }
}

function allOf(first: (() => void) | undefined, second: () => void): () => void {
  return () => {
    first?.()
    second()
  }
}
