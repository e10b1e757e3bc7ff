import { settled } from '../../core/host/all-done.ts'
import { openOverRequests } from '../era/session-over-requests.ts'
import { isRequest, type Message, type Request } from '../upstream/message.ts'
import {
  type CredentialCall,
  type OpenedSession,
  type Upstream,
  UpstreamProblem,
  type UpstreamSession,
} from '../upstream/upstream.ts'
import { isEventId } from './event-stream.ts'
import { answerOf, discard, firstAnswer } from './http-answer.ts'
import { aside, type HttpUpstreamParts, post, postInit } from './http-post.ts'
import { httpRequests } from './http-requests.ts'

/** An MCP server over Streamable HTTP (MCP 2025-11-25, transports). */
export function httpUpstream(parts: HttpUpstreamParts): Upstream {
  const requests = httpRequests(parts)
  return {
    async open(initialize, call) {
      const opened = await settled(openSession(parts, initialize, call))
      if (opened.status === 'fulfilled' && !opened.value.answer.error) return opened.value
      // A server that knows no sessions refuses to open one.
      const found = isRefusal(opened) ? await requests.find(call).catch(() => undefined) : undefined
      if (found) return openOverRequests(found, initialize, call)
      if (opened.status === 'rejected') throw opened.reason
      return opened.value
    },
    requests: (call) => requests.find(call),
    async close() {
      await Promise.all([parts.streams.close(), parts.notes.close()])
    },
  }
}

async function openSession(
  parts: HttpUpstreamParts,
  initialize: Request,
  call: CredentialCall,
): Promise<OpenedSession> {
  const response = await post(parts, initialize, call, {})
  const { events } = await answerOf(parts, response, { isRequest: true, hasSession: false })
  const answer = await firstAnswer(events)
  const session = httpSession(parts, {
    id: response.headers.get('mcp-session-id') ?? undefined,
    protocolVersion: protocolVersionIn(answer),
  })
  return { session, answer }
}

/** Whether the server may know no sessions. It was reached, and it accepts the credential. */
function isRefusal(opened: PromiseSettledResult<unknown>): boolean {
  if (opened.status === 'fulfilled') return true
  return opened.reason instanceof UpstreamProblem && opened.reason.kind === 'failed'
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

function protocolVersionIn({ result }: Message): string | undefined {
  const version = typeof result === 'object' && result !== null && 'protocolVersion' in result && result.protocolVersion
  return typeof version === 'string' && /^[\x21-\x7e]{1,40}$/.test(version) ? version : undefined
}
