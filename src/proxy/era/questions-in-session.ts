import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isJsonObject } from '../../core/model/json.ts'
import type { Message, Request, RequestId } from '../upstream/message.ts'
import type { UpstreamEvent } from '../upstream/upstream.ts'

/** Requests to the client of a session that stand for questions in a result of MCP 2026-07-28. */
export interface SessionQuestions {
  /** Opens a question. Rejects when the signal aborts. */
  open(signal: AbortSignal): { readonly id: RequestId; readonly answer: Promise<Message> }
  answered(answer: Message): void
}

export function sessionQuestions(): SessionQuestions {
  const open = new Map<RequestId, (answer: Message) => void>()
  return {
    open(signal) {
      const id = `upstream-question:${randomUUID()}`
      const answer = new Promise<Message>((resolve, reject) => {
        const withdrawn = () => {
          open.delete(id)
          reject(signal.reason)
        }
        open.set(id, (given) => {
          open.delete(id)
          signal.removeEventListener('abort', withdrawn)
          resolve(given)
        })
        if (signal.aborted) withdrawn()
        else signal.addEventListener('abort', withdrawn, { once: true })
      })
      // A call that ends takes its questions with it.
      answer.catch(() => undefined)
      return { id, answer }
    },
    answered(answer) {
      if (answer.id !== undefined && answer.id !== null) open.get(answer.id)?.(answer)
    },
  }
}

export interface AskedCall {
  readonly message: Request
  /** The result that asks. */
  readonly result: Readonly<Record<string, unknown>>
  readonly signal: AbortSignal
}

/** A result without questions is a wish to be asked again, which clients of SDKs fulfil no faster. */
const PACE_MILLISECONDS = 250

/** Asks the client, and returns the call as it is repeated with the answers, or the answer to the call if the client has failed. */
export async function* askInSession(
  questions: SessionQuestions,
  { message, result, signal }: AskedCall,
): AsyncGenerator<UpstreamEvent, Message> {
  const asked = isJsonObject(result['inputRequests']) ? Object.entries(result['inputRequests']) : []
  const waiting: [string, Promise<Message>][] = []
  for (const [key, question] of asked) {
    if (!isJsonObject(question) || typeof question['method'] !== 'string') continue
    const { id, answer } = questions.open(signal)
    waiting.push([key, answer])
    yield { message: questionOf(id, question['method'], question['params']) }
  }
  if (waiting.length === 0) await delay(PACE_MILLISECONDS, undefined, { signal })
  const inputResponses: Record<string, unknown> = {}
  for (const [key, answer] of waiting) {
    const { result: given, error } = await answer
    if (error) return { jsonrpc: '2.0', id: message.id, error }
    Object.defineProperty(inputResponses, key, { value: given, enumerable: true })
  }
  const { requestState } = result
  const params = {
    ...message.params,
    ...(waiting.length > 0 && { inputResponses }),
    ...(requestState !== undefined && { requestState }),
  }
  return { ...message, params }
}

function questionOf(id: RequestId, method: string, params: unknown): Message {
  const given = isJsonObject(params) ? params : {}
  // MCP 2025-11-25 wants a name for each page, and 2026-07-28 has none.
  const isPage = method === 'elicitation/create' && given['mode'] === 'url'
  return { jsonrpc: '2.0', id, method, params: isPage ? { ...given, elicitationId: randomUUID() } : given }
}
