import { processWarning } from '../../core/host/process-warning.ts'
import { type Owner, sameOwner } from '../../core/model/owner.ts'

/** The part of an SDK's transport that sessions use. */
export interface SessionTransport {
  readonly sessionId?: string | undefined
  onclose?: (() => void) | undefined
  close(): Promise<void>
}

export interface McpSession<T> {
  readonly owner: Owner
  readonly transport: T
  /** Number of open responses. A session with one is not idle. */
  open: number
  lastUsed: number
}

export interface McpSessionsOptions<S, T> {
  readonly maxSessions: number
  readonly maxSessionsPerOwner: number
  readonly idleSeconds: number
  /** Makes a transport that reports the id of its session once it has one. */
  readonly makeTransport: (initialized: (sessionId: string) => void, server: S) => T
  readonly connect: (server: S, transport: T) => Promise<void>
}

/**
 * Sessions of MCP 2025-11-25. Each belongs to the owner whose token created it. A session id does not authenticate: it finds a session only
 * together with its owner's token.
 */
export interface McpSessions<S, T> {
  /** Returns undefined for an unknown session and for another owner's alike. */
  find(sessionId: string, owner: Owner): McpSession<T> | undefined
  /** Makes a transport for an initialize request. It is kept once it has a session id. Returns undefined at the limit of sessions. */
  create(makeServer: () => S | Promise<S>, owner: Owner): Promise<McpSession<T> | undefined>
  close(): Promise<void>
}

export function mcpSessions<S, T extends SessionTransport>({
  maxSessions,
  maxSessionsPerOwner,
  idleSeconds,
  makeTransport,
  connect,
}: McpSessionsOptions<S, T>): McpSessions<S, T> {
  const sessions = new Map<string, McpSession<T>>()
  /** Owners of sessions that are being created. */
  const opening = new Set<Owner>()

  async function endIdle(): Promise<void> {
    const oldest = Date.now() - idleSeconds * 1000
    const idle = [...sessions.values()].filter((session) => session.open === 0 && session.lastUsed < oldest)
    await Promise.all(idle.map((session) => closeQuietly(session.transport)))
  }

  function hasRoom(owner: Owner): boolean {
    if (sessions.size + opening.size >= maxSessions) return false
    // No arrays: with ten thousand sessions, each new one would leave a hundred kilobytes to collect.
    let own = 0
    for (const session of sessions.values()) if (sameOwner(session.owner, owner)) own += 1
    for (const other of opening) if (sameOwner(other, owner)) own += 1
    return own < maxSessionsPerOwner
  }

  async function open(server: S, owner: Owner): Promise<McpSession<T>> {
    const transport = makeTransport((id) => void sessions.set(id, session), server)
    const session: McpSession<T> = { owner, transport, open: 0, lastUsed: Date.now() }
    transport.onclose = () => {
      if (transport.sessionId !== undefined) sessions.delete(transport.sessionId)
    }
    await connect(server, transport)
    return session
  }

  const sweep = setInterval(() => void endIdle(), Math.min(idleSeconds * 1000, 60_000))
  sweep.unref()

  return {
    find(sessionId, owner) {
      const session = sessions.get(sessionId)
      return session && sameOwner(session.owner, owner) ? session : undefined
    },

    async create(makeServer, owner) {
      if (!hasRoom(owner)) await endIdle()
      if (!hasRoom(owner)) return undefined
      opening.add(owner)
      try {
        return await open(await makeServer(), owner)
      } finally {
        opening.delete(owner)
      }
    },

    async close() {
      clearInterval(sweep)
      await Promise.all([...sessions.values()].map((session) => closeQuietly(session.transport)))
      sessions.clear()
    },
  }
}

/** Closes a transport. It runs the tool author's `onclose`, whose errors must not end other connections. */
export async function closeQuietly(transport: Pick<SessionTransport, 'close'>): Promise<void> {
  try {
    await transport.close()
  } catch {
    processWarning('The onclose of an McpServer failed.')
  }
}
