import { parsedJson } from '../../core/model/json.ts'
import { asMessage, isAnswer, type Message } from '../upstream/message.ts'
import { type UpstreamAnswer, type UpstreamEvent, UpstreamProblem } from '../upstream/upstream.ts'
import { readEvents } from './event-stream.ts'

export interface Expected {
  readonly isRequest: boolean
  readonly hasSession: boolean
}

/** @throws `UpstreamProblem` for what is no answer of MCP */
export async function answerOf(
  { maxMessageBytes }: { readonly maxMessageBytes: number },
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
    return { streams: false, events: one({ message }), ...(!response.ok && { status: response.status }) }
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

export function problemOf(status: number): UpstreamProblem {
  if (status === 401 || status === 403)
    return new UpstreamProblem('refused', `The upstream server refused the request (HTTP ${status}).`)
  if (status >= 200 && status < 300)
    return new UpstreamProblem('failed', 'The upstream server gave an answer that is not MCP.')
  return new UpstreamProblem('failed', `The upstream server could not answer (HTTP ${status}). Try again later.`)
}

export async function firstAnswer(events: AsyncIterable<UpstreamEvent>): Promise<Message> {
  for await (const { message } of events) if (message && message.method === undefined) return message
  throw new UpstreamProblem('failed', 'The upstream server ended the connection before it answered.')
}

export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined)
}

async function* none(): AsyncGenerator<UpstreamEvent> {}

async function* one(event: UpstreamEvent): AsyncGenerator<UpstreamEvent> {
  yield event
}
