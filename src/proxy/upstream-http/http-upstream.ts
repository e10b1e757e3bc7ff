import { parsedJson } from '../../core/model/json.ts'
import type { BoundFetch } from '../../destinations/bound-fetch.ts'
import { asMessage, isAnswer, isRequest, type Message } from '../upstream/message.ts'
import {
  type CredentialCall,
  type Upstream,
  type UpstreamAnswer,
  type UpstreamEvent,
  UpstreamProblem,
  type UpstreamSession,
} from '../upstream/upstream.ts'
import { isEventId, readEvents } from './event-stream.ts'

export interface HttpUpstreamParts {
  readonly url: string
  /** Headers that the operator declares, the same for every user. */
  readonly headers: Readonly<Record<string, string>>
  /** Sends the requests for standing streams, which would otherwise use up the places of the calls. */
  readonly streams: BoundFetch
  /** Sends notifications and answers. They have places of their own, because the calls that have taken the others may wait for them. */
  readonly notes: BoundFetch
  readonly maxMessageBytes: number
}

/** An MCP server over Streamable HTTP (MCP 2025-11-25, transports). */
export function httpUpstream(parts: HttpUpstreamParts): Upstream {
  return {
    async open(initialize, call) {
      const response = await post(parts, initialize, call, {})
      const { events } = await answerOf(parts, response, { isRequest: true, hasSession: false })
      const answer = await firstAnswer(events)
      const session = httpSession(parts, {
        id: response.headers.get('mcp-session-id') ?? undefined,
        protocolVersion: protocolVersionIn(answer),
      })
      return { session, answer }
    },
    async close() {
      await Promise.all([parts.streams.close(), parts.notes.close()])
    },
  }
}

/** What the upstream expects in every further request. */
interface Known {
  readonly id: string | undefined
  readonly protocolVersion: string | undefined
}

function httpSession(parts: HttpUpstreamParts, known: Known): UpstreamSession {
  const own = {
    ...(known.id !== undefined && { 'mcp-session-id': known.id }),
    ...(known.protocolVersion !== undefined && { 'mcp-protocol-version': known.protocolVersion }),
  }
  const hasSession = known.id !== undefined

  return {
    async send(message, call) {
      if (isRequest(message))
        return answerOf(parts, await post(parts, message, call, own), { isRequest: true, hasSession })
      const response = await aside(parts.notes, parts, call, postInit(parts, message, call, own))
      return answerOf(parts, response, { isRequest: false, hasSession })
    },

    async listen(call, lastEventId) {
      const headers = {
        ...parts.headers,
        ...own,
        accept: 'text/event-stream',
        ...(lastEventId !== undefined && isEventId(lastEventId) && { 'last-event-id': lastEventId }),
      }
      const response = await aside(parts.streams, parts, call, { method: 'GET', headers, signal: call.signal })
      if (response.status === 405 || response.status === 501) {
        await discard(response)
        return undefined
      }
      const { events } = await answerOf(parts, response, { isRequest: true, hasSession })
      return events
    },

    async end(call) {
      if (!hasSession) return
      const headers = { ...parts.headers, ...own }
      await discard(await aside(parts.notes, parts, call, { method: 'DELETE', headers, signal: call.signal }))
    },
  }
}

function post(
  parts: HttpUpstreamParts,
  message: Message,
  call: CredentialCall,
  own: Readonly<Record<string, string>>,
): Promise<Response> {
  return call.handle.fetch(parts.url, postInit(parts, message, call, own))
}

/** Sends a request beside the calls, with the credential in the same headers and to the same place. */
async function aside(
  fetcher: BoundFetch,
  { url }: HttpUpstreamParts,
  { handle, owner, signal }: CredentialCall,
  init: RequestInit,
): Promise<Response> {
  const response = await handle.use((values) => fetcher.fetch(values, url, init, { owner, signal }))
  if (response.status === 401) await handle.reject({ status: 401 })
  return response
}

function postInit(
  { headers }: HttpUpstreamParts,
  message: Message,
  { signal }: CredentialCall,
  own: Readonly<Record<string, string>>,
): RequestInit {
  return {
    method: 'POST',
    headers: {
      ...headers,
      ...own,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(message),
    signal,
  }
}

interface Expected {
  readonly isRequest: boolean
  readonly hasSession: boolean
}

async function answerOf(
  { maxMessageBytes }: HttpUpstreamParts,
  response: Response,
  { isRequest: expectsAnswer, hasSession }: Expected,
): Promise<UpstreamAnswer> {
  const isGone = response.status === 404 && hasSession
  if (!expectsAnswer || isGone) {
    await discard(response)
    if (isGone) throw new UpstreamProblem('session-ended', 'The upstream server has ended the session.')
    if (!response.ok) throw problemOf(response.status)
    return { streams: false, events: none() }
  }
  const type = mediaTypeOf(response)
  if (response.ok && type === 'text/event-stream' && response.body)
    return { streams: true, events: readEvents(response.body, maxMessageBytes) }
  const message = type === 'application/json' ? await jsonMessage(response, maxMessageBytes) : undefined
  if (message && isAnswer(message) && (response.ok || message.error))
    return { streams: false, events: one({ message }) }
  await discard(response)
  throw problemOf(response.status)
}

function mediaTypeOf({ headers }: Response): string {
  const [type = ''] = (headers.get('content-type') ?? '').split(';')
  return type.trim().toLowerCase()
}

async function jsonMessage(response: Response, maxBytes: number): Promise<Message | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) throw new UpstreamProblem('failed', 'The upstream server sent a message that is too large.')
    chunks.push(chunk)
  }
  return asMessage(parsedJson(Buffer.concat(chunks).toString('utf8')))
}

function problemOf(status: number): UpstreamProblem {
  if (status === 401 || status === 403)
    return new UpstreamProblem('refused', `The upstream server refused the request (HTTP ${status}).`)
  if (status >= 200 && status < 300)
    return new UpstreamProblem('failed', 'The upstream server gave an answer that is not MCP.')
  return new UpstreamProblem('failed', `The upstream server could not answer (HTTP ${status}). Try again later.`)
}

async function firstAnswer(events: AsyncIterable<UpstreamEvent>): Promise<Message> {
  for await (const { message } of events) if (message && message.method === undefined) return message
  throw new UpstreamProblem('failed', 'The upstream server ended the connection before it answered.')
}

function protocolVersionIn({ result }: Message): string | undefined {
  const version = typeof result === 'object' && result !== null && 'protocolVersion' in result && result.protocolVersion
  return typeof version === 'string' && /^[\x21-\x7e]{1,40}$/.test(version) ? version : undefined
}

async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined)
}

async function* none(): AsyncGenerator<UpstreamEvent> {}

async function* one(event: UpstreamEvent): AsyncGenerator<UpstreamEvent> {
  yield event
}
