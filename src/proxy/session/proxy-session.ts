import { randomUUID } from 'node:crypto'
import type { ClientPort } from '../../core/gate/client-port.ts'
import { type CompletionNotices, createCompletionNotices } from '../../core/gate/completion-notices.ts'
import { isJsonObject } from '../../core/model/json.ts'
import { type Owner, sameOwner, type User } from '../../core/model/owner.ts'
import type { SessionTransport } from '../../mcp/transport/mcp-sessions.ts'
import { type Message, notification, type Request, type RequestId } from '../upstream/message.ts'
import type { Upstream, UpstreamSession } from '../upstream/upstream.ts'
import { type ClientQuestions, createClientQuestions } from './client-questions.ts'
import { createEventPlaces, type EventPlaces } from './event-places.ts'
import type { ProxyProvider } from './proxy-route.ts'
import type { Reply } from './reply.ts'
import { createUpstreamConnection, type UpstreamConnection } from './upstream-connection.ts'

/** One session of one client at one route. Its id is the proxy's own. */
export interface ProxySession extends SessionTransport {
  readonly sessionId: string
  /** The owner of the credential that the session's calls use, and of everything at the upstream. */
  readonly owner: Owner
  readonly client: SessionClient
  readonly questions: ClientQuestions
  readonly notices: CompletionNotices
  /** To the upstream that the newest configuration names, unless this is a view of {@link on}. */
  readonly connection: UpstreamConnection
  /** Returns this session with the connection to one upstream, for a call that began under an earlier configuration. */
  on(upstream: () => UpstreamOpener): ProxySession
  /** Lets go of an upstream that is not used any more, so that standing streams move on. Returns what is open there. */
  leave(upstream: UpstreamOpener): UpstreamSession | undefined
  /** Forgets an upstream that no call uses. Returns what is open there. */
  forget(upstream: UpstreamOpener): UpstreamSession | undefined
  /** Tells the client that its lists may be others now. */
  announceLists(): Promise<void>
  readonly places: EventPlaces
  /** Requests of the client that run now. */
  readonly running: Map<RequestId, AbortController>
  begin(): void
  /** Whether a request with this user's token belongs here. Another OAuth client of the same person is somebody else. */
  belongsTo(user: User, owner: Owner): boolean
  /** Remembers which revision of the protocol the client was told. */
  told(initializeResult: unknown): void
  /** Remembers the log level that the client wants, for sessions at the upstream that are still to be opened. */
  wantsLevel(request: Request): void
  /** Remembers what the client has subscribed to, or not any more, for sessions at the upstream that are still to be opened. */
  subscribes(request: Request): void
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
  /** Default: what `initialize` says. */
  readonly client?: SessionClient
}

export type UpstreamOpener = Pick<Upstream, 'open'>

export interface SessionParts extends SessionStart {
  /** The upstream of the newest configuration. */
  readonly upstream: () => UpstreamOpener
  readonly provider: ProxyProvider
  /** Told the session's id once it has begun. */
  readonly begun: (sessionId: string) => void
  /** Whether the client's lists may be others once there is a session at the upstream. */
  readonly listsChange: () => boolean
  /** Ends what the session has at the upstream. */
  readonly endUpstream: (session: ProxySession, upstream: UpstreamSession | undefined) => Promise<void>
  readonly closed: (session: ProxySession) => void
}

export function createProxySession(parts: SessionParts): ProxySession {
  const { user, owner, initialize, endUpstream } = parts
  const standing = new Set<Reply>()
  let revision: unknown
  let level: Request | undefined
  const subscriptions = new Map<unknown, Request>()
  let closed = false

  const connections = new Map<UpstreamOpener, UpstreamConnection>()
  function connectionTo(upstream: UpstreamOpener): UpstreamConnection {
    const known = connections.get(upstream)
    if (known) return known
    const made = createUpstreamConnection({
      open: (...given) => upstream.open(...given, sessionId),
      initialize: () => withRevision(initialize, revision),
      repeated: () => [...(level ? [level] : []), ...subscriptions.values()],
      onLateOpen() {
        if (parts.listsChange()) void announceLists(session)
      },
    })
    if (closed) made.close()
    connections.set(upstream, made)
    return made
  }

  const sessionId = randomUUID()
  const session: ProxySession = {
    sessionId,
    places: createEventPlaces(parts.provider, sessionId),
    owner,
    client: parts.client ?? clientIn(initialize),
    questions: createClientQuestions(),
    notices: createCompletionNotices(),
    running: new Map(),
    get connection() {
      return connectionTo(parts.upstream())
    },
    on: (upstream) => Object.create(session, { connection: { get: () => connectionTo(upstream()) } }),
    leave(upstream) {
      const open = connections.get(upstream)?.current()?.session
      if (open) connections.get(upstream)?.drop(open)
      return open
    },
    forget(upstream) {
      const open = connections.get(upstream)?.close()
      connections.delete(upstream)
      return open
    },
    announceLists: () => announceLists(session),
    begin: () => parts.begun(session.sessionId),
    belongsTo: (other, otherOwner) =>
      sameOwner(user, other) && user.clientId === other.clientId && sameOwner(owner, otherOwner),
    told(result) {
      revision = isJsonObject(result) ? result['protocolVersion'] : undefined
    },
    wantsLevel(request) {
      level = request
    },
    subscribes(request) {
      const uri = request.params?.['uri']
      if (request.method === 'resources/unsubscribe') subscriptions.delete(uri)
      else if (subscriptions.size < MAX_SUBSCRIPTIONS) subscriptions.set(uri, request)
    },
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
      parts.closed(session)
      const open = [...connections.values()].flatMap((connection) => connection.close() ?? [])
      // Something may be kept for a session that has nothing open.
      await Promise.all((open.length > 0 ? open : [undefined]).map((upstream) => endUpstream(session, upstream)))
    },
  }
  return session
}

const MAX_SUBSCRIPTIONS = 1_000

/** What the client was told before may have come from the catalogue, or from a session with another version of the credential. */
async function announceLists({ notify }: ProxySession): Promise<void> {
  for (const list of ['tools', 'prompts', 'resources']) await notify(notification(`${list}/list_changed`))
}

function withRevision(initialize: Request, revision: unknown): Request {
  if (typeof revision !== 'string') return initialize
  return { ...initialize, params: { ...initialize.params, protocolVersion: revision } }
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
