import { envelopeOf } from '../era/envelope.ts'
import type { Message, Request } from '../upstream/message.ts'

/** Returns a notification as it is sent in one leg of a request, whose token for progress may differ from that of the first leg. */
export function noticeIn(request: Request, notice: Message): Message | undefined {
  const { meta, logLevel } = envelopeOf(request)
  const { method = '', params } = notice
  if (method === 'notifications/message') return logLevel === undefined ? undefined : notice
  if (method === 'notifications/progress') {
    const { progressToken } = meta
    return progressToken === undefined ? undefined : { ...notice, params: { ...params, progressToken } }
  }
  return ELSEWHERE.has(method) ? undefined : notice
}

/** What a client of MCP 2026-07-28 hears on streams of `subscriptions/listen`, or not at all. */
const ELSEWHERE = new Set([
  ...['notifications/tools/list_changed', 'notifications/prompts/list_changed'],
  ...['notifications/resources/list_changed', 'notifications/resources/updated', 'notifications/elicitation/complete'],
])
