import { isJsonObject } from '../../core/model/json.ts'
import { REVISION, withEnvelope } from '../era/envelope.ts'
import { requestHeaders } from '../era/request-headers.ts'
import { isRequest, type Request } from '../upstream/message.ts'
import { type CredentialCall, UpstreamProblem, type UpstreamRequests } from '../upstream/upstream.ts'
import { answerOf, discard, firstAnswer, problemOf } from './http-answer.ts'
import { aside, type HttpUpstreamParts, post, postInit } from './http-post.ts'

export interface HttpRequests {
  /** Returns undefined if the server does not know MCP 2026-07-28. The server is asked once in five minutes. */
  find(call: CredentialCall): Promise<UpstreamRequests | undefined>
}

const REMEMBERED_MILLISECONDS = 5 * 60_000

/** An MCP server over Streamable HTTP (MCP 2026-07-28, transports). */
export function httpRequests(parts: HttpUpstreamParts): HttpRequests {
  let known: { readonly isKnown: boolean; readonly at: number } | undefined

  const requests: UpstreamRequests = {
    async send(message, call, parameters = {}) {
      const own = { ...parameters, ...requestHeaders(message) }
      if (!isRequest(message)) {
        const response = await aside(parts.notes, parts, call, postInit(parts, message, call, own))
        return answerOf(parts, response, { isRequest: false, hasSession: false })
      }
      const response =
        message.method === 'subscriptions/listen'
          ? await aside(parts.streams, parts, call, postInit(parts, message, call, own))
          : await post(parts, message, call, own)
      return answerOf(parts, response, { isRequest: true, hasSession: false })
    },
  }

  return {
    async find(call) {
      if (!known || Date.now() - known.at > REMEMBERED_MILLISECONDS)
        known = { isKnown: await isSpoken(parts, call), at: Date.now() }
      return known.isKnown ? requests : undefined
    },
  }
}

const DISCOVER: Request = withEnvelope(
  { jsonrpc: '2.0', id: 'discover', method: 'server/discover' },
  { info: { name: 'mcp-credential-vault', version: '1' }, capabilities: {} },
)

/** Servers of older revisions refuse the request in ways of their own. */
async function isSpoken(parts: HttpUpstreamParts, call: CredentialCall): Promise<boolean> {
  const response = await post(parts, DISCOVER, call, requestHeaders(DISCOVER))
  const { status } = response
  if (status === 401 || status === 403 || status === 429 || status >= 500) {
    await discard(response)
    throw problemOf(status)
  }
  try {
    const { events } = await answerOf(parts, response, { isRequest: true, hasSession: false })
    const { result } = await firstAnswer(events)
    const versions = isJsonObject(result) ? result['supportedVersions'] : undefined
    return Array.isArray(versions) && versions.includes(REVISION)
  } catch (error) {
    if (error instanceof UpstreamProblem) return false
    throw error
  }
}
