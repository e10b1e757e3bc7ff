import { randomUUID } from 'node:crypto'
import type { ClientPort } from '../../core/gate/client-port.ts'
import { type CompletionNotices, createCompletionNotices } from '../../core/gate/completion-notices.ts'
import { isJsonObject } from '../../core/model/json.ts'
import { type Owner, sameOwner, type User } from '../../core/model/owner.ts'
import type { SessionTransport } from '../../mcp/transport/mcp-sessions.ts'
import type { Message, Request, RequestId } from '../upstream/message.ts'
import type { CredentialCall, OpenedSession, Upstream, UpstreamSession } from '../upstream/upstream.ts'
import { type ClientQuestions, createClientQuestions } from './client-questions.ts'
import type { Reply } from './reply.ts'

/** One session of one client at one route. Its id is the proxy's own. */
export interface ProxySession extends SessionTransport {
  readonly sessionId: string
  /** The owner of the credential that the session's calls use, and of everything at the upstream. */
  readonly owner: Owner
  readonly client: SessionClient
  readonly questions: ClientQuestions
  readonly notices: CompletionNotices
  /** Requests of the client that run now. */
  readonly running: Map<RequestId, AbortController>
  begin(): void
  /** Whether a request with this user's token belongs here. Another OAuth client of the same person is somebody else. */
  belongsTo(user: User, owner: Owner): boolean
  /** The session at the upstream, if one is open. */
  upstream(): UpstreamSession | undefined
  /** Opens the session at the upstream. Concurrent calls share the attempt. */
  connect(call: CredentialCall): Promise<OpenedSession>
  /** Forgets the session at the upstream, so that the next call opens another. */
  disconnect(session: UpstreamSession): void
  /** Resolves once a session at the upstream is open, or the signal aborts. */
  connected(signal: AbortSignal): Promise<void>
  /** Adds a standing stream. Returns the function that removes it. */
  stand(reply: Reply): () => void
  /** Sends a message on a standing stream, if there is one. */
  notify(message: Message): Promise<void>
}

/** What the client said about itself when the session began. */
export interface SessionClient {
  readonly name: string | undefined
  readonly ability: ClientPort['ability']
}

export interface SessionStart {
  readonly user: User
  readonly owner: Owner
  readonly initialize: Request
}

export interface SessionParts extends SessionStart {
  readonly upstream: Pick<Upstream, 'open'>
  /** Told the session's id once it has begun. */
  readonly begun: (sessionId: string) => void
  /** Ends what the session has at the upstream. */
  readonly endUpstream: (session: ProxySession, upstream: UpstreamSession) => Promise<void>
}

export function createProxySession(parts: SessionParts): ProxySession {
  const { user, owner, initialize, endUpstream } = parts
  const standing = new Set<Reply>()
  const waiting = new Set<() => void>()
  let opening: Promise<OpenedSession> | undefined
  let current: UpstreamSession | undefined
  let closed = false

  async function open(call: CredentialCall): Promise<OpenedSession> {
    const opened = await parts.upstream.open(initialize, call)
    if (opened.answer.error) return opened
    await opened.session.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, call)
    current = opened.session
    for (const go of [...waiting]) go()
    return opened
  }

  const session: ProxySession = {
    sessionId: randomUUID(),
    owner,
    client: clientIn(initialize),
    questions: createClientQuestions(),
    notices: createCompletionNotices(),
    running: new Map(),
    begin: () => parts.begun(session.sessionId),
    belongsTo: (other, otherOwner) =>
      sameOwner(user, other) && user.clientId === other.clientId && sameOwner(owner, otherOwner),
    upstream: () => current,
    connect(call) {
      if (opening) return opening
      const attempt = open(call).finally(() => {
        if (!current && opening === attempt) opening = undefined
      })
      opening = attempt
      return attempt
    },
    disconnect(ended) {
      if (current !== ended) return
      current = undefined
      opening = undefined
    },
    connected: (signal) =>
      new Promise((resolve) => {
        if (current || signal.aborted) return resolve()
        const go = () => {
          waiting.delete(go)
          signal.removeEventListener('abort', go)
          resolve()
        }
        waiting.add(go)
        signal.addEventListener('abort', go)
      }),
    stand(reply) {
      standing.add(reply)
      return () => void standing.delete(reply)
    },
    async notify(message) {
      const reply = [...standing].findLast((one) => one.isOpen())
      await reply?.send({ message })
    },
    async close() {
      if (closed) return
      closed = true
      session.notices.close()
      for (const running of session.running.values()) running.abort()
      for (const reply of standing) reply.end()
      session.onclose?.()
      if (current) await endUpstream(session, current)
    },
  }
  return session
}

function clientIn({ params }: Request): SessionClient {
  const info = params?.['clientInfo']
  const name = isJsonObject(info) ? info['name'] : undefined
  const capabilities = params?.['capabilities']
  const elicitation = isJsonObject(capabilities) ? capabilities['elicitation'] : undefined
  const hasUrl = isJsonObject(elicitation) && isJsonObject(elicitation['url'])
  return {
    name: typeof name === 'string' ? name.slice(0, 256) : undefined,
    ability: hasUrl ? 'url-elicitation' : 'no-url-elicitation',
  }
}
