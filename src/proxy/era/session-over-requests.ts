import { isJsonObject } from '../../core/model/json.ts'
import { isAnswer, isRequest, isRequestId, type Message, type Request, resultAnswer } from '../upstream/message.ts'
import type {
  CredentialCall,
  OpenedSession,
  UpstreamAnswer,
  UpstreamEvent,
  UpstreamRequests,
  UpstreamSession,
} from '../upstream/upstream.ts'
import { createDeclaredParameters, type DeclaredParameters } from './declared-parameters.ts'
import { type Sender, withEnvelope } from './envelope.ts'
import { askInSession, type SessionQuestions, sessionQuestions } from './questions-in-session.ts'
import { initializeResultOf, sessionAnswer } from './results.ts'
import { createSubscribedEvents, type SubscribedEvents } from './subscribed-events.ts'

/** The revision with sessions that is told to a client that asks for none that is known. */
const NEWEST_WITH_SESSIONS = '2025-11-25'
const WITH_SESSIONS = [NEWEST_WITH_SESSIONS, '2025-06-18', '2025-03-26']

/**
 * Opens a session at a server that knows none: each message becomes a request of MCP 2026-07-28 of its own, and what the server asks by its
 * results becomes a request to the client.
 */
export async function openOverRequests(
  requests: UpstreamRequests,
  initialize: Request,
  call: CredentialCall,
): Promise<OpenedSession> {
  const { params = {} } = initialize
  const sender = { info: params['clientInfo'], capabilities: params['capabilities'] }
  const wanted = WITH_SESSIONS.find((revision) => revision === params['protocolVersion']) ?? NEWEST_WITH_SESSIONS
  const discover: Request = { jsonrpc: '2.0', id: initialize.id, method: 'server/discover' }
  const session = sessionOver(requests, sender)
  const { events } = await requests.send(withEnvelope(discover, sender), call)
  for await (const { message } of events) {
    if (!message || !isAnswer(message)) continue
    const answer = isJsonObject(message.result)
      ? resultAnswer(initialize.id, initializeResultOf(message.result, wanted))
      : message
    return { session, answer }
  }
  return { session, answer: { jsonrpc: '2.0', id: initialize.id, error: { code: -32_603, message: 'No answer.' } } }
}

interface State {
  readonly requests: UpstreamRequests
  readonly questions: SessionQuestions
  readonly subscribed: SubscribedEvents
  readonly running: Map<unknown, AbortController>
  readonly parameters: DeclaredParameters
  sender: Sender
}

function sessionOver(requests: UpstreamRequests, sender: Sender): UpstreamSession {
  const state: State = {
    requests,
    sender,
    questions: sessionQuestions(),
    subscribed: createSubscribedEvents((message, call) => requests.send(withEnvelope(message, state.sender), call)),
    running: new Map(),
    parameters: createDeclaredParameters(),
  }
  return {
    async send(message, call) {
      if (isAnswer(message)) state.questions.answered(message)
      else if (isRequest(message)) return (await inPlace(state, message)) ?? relayed(state, message, call)
      else await notify(state, message, call)
      return { streams: false, events: none() }
    },
    listen: (call) => state.subscribed.listen(call),
    async end() {
      for (const running of state.running.values()) running.abort()
      state.subscribed.end()
    },
  }
}

/** Answers what MCP 2026-07-28 has no request for. */
async function inPlace(state: State, { id, method, params }: Request): Promise<UpstreamAnswer | undefined> {
  const uri = params?.['uri']
  if (method === 'logging/setLevel') state.sender = { ...state.sender, logLevel: params?.['level'] }
  else if (method === 'resources/subscribe' && typeof uri === 'string') await state.subscribed.add(uri)
  else if (method === 'resources/unsubscribe' && typeof uri === 'string') await state.subscribed.remove(uri)
  else if (method !== 'ping') return undefined
  return { streams: false, events: one({ message: resultAnswer(id, {}) }) }
}

/** What these say is part of each request of MCP 2026-07-28, or ends with it. */
const OF_SESSIONS = new Set(['notifications/initialized', 'notifications/roots/list_changed', 'notifications/progress'])

async function notify({ running, requests, sender }: State, message: Message, call: CredentialCall): Promise<void> {
  const { method = '', params } = message
  const cancelled = params?.['requestId']
  if (method === 'notifications/cancelled' && isRequestId(cancelled)) running.get(cancelled)?.abort()
  else if (!OF_SESSIONS.has(method)) await requests.send(withEnvelope(message, sender), call)
}

/** As the clients of SDKs. */
const MAX_ROUNDS = 10

async function relayed(state: State, message: Request, call: CredentialCall): Promise<UpstreamAnswer> {
  const cancelled = new AbortController()
  const inside = { ...call, signal: AbortSignal.any([call.signal, cancelled.signal]) }
  state.running.set(message.id, cancelled)
  const done = () => void state.running.delete(message.id)
  try {
    const first = await sendRequest(state, message, inside)
    return { streams: first.streams, events: rounds(state, message, inside, first, done) }
  } catch (error) {
    done()
    throw error
  }
}

function sendRequest({ requests, sender, parameters }: State, message: Request, call: CredentialCall) {
  return requests.send(withEnvelope(message, sender), call, parameters.headersOf(message))
}

/** What a server answers that misses an argument in the headers. It has not begun the call. */
const HEADER_MISMATCH = -32_020

async function* rounds(
  state: State,
  message: Request,
  call: CredentialCall,
  first: UpstreamAnswer,
  done: () => void,
): AsyncGenerator<UpstreamEvent> {
  try {
    let { events } = first
    let isLoaded = false
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const answer = yield* untilAnswer(events)
      if (!answer) return
      const { result, error } = answer
      if (message.method === 'tools/list') state.parameters.learn(answer)
      if (error?.code === HEADER_MISMATCH && !isLoaded) {
        isLoaded = true
        await state.parameters.load((request) => state.requests.send(withEnvelope(request, state.sender), call))
        events = (await sendRequest(state, message, call)).events
        continue
      }
      if (!isJsonObject(result) || result['resultType'] !== 'input_required')
        return yield { message: sessionAnswer(answer) }
      const next = yield* askInSession(state.questions, { message, result, signal: call.signal })
      if (!isRequest(next)) return yield { message: next }
      events = (await sendRequest(state, next, call)).events
    }
    yield { message: { jsonrpc: '2.0', id: message.id, error: { code: -32_000, message: TOO_MANY_ROUNDS } } }
  } finally {
    done()
  }
}

const TOO_MANY_ROUNDS = 'The upstream server has asked too many questions in one call.'

/** Passes on what precedes the answer. A stream of MCP 2026-07-28 cannot be taken up again, and carries no requests. */
async function* untilAnswer(events: AsyncIterable<UpstreamEvent>): AsyncGenerator<UpstreamEvent, Message | undefined> {
  for await (const { message } of events) {
    if (!message) continue
    if (isAnswer(message)) return message
    if (!isRequest(message)) yield { message }
  }
  return undefined
}

async function* none(): AsyncGenerator<UpstreamEvent> {}

async function* one(event: UpstreamEvent): AsyncGenerator<UpstreamEvent> {
  yield event
}
