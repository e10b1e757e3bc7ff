import { isJsonObject } from '../../core/model/json.ts'
import { META, metaOf } from '../era/envelope.ts'
import { filterMembers, isWanted, type SubscriptionFilter } from '../era/subscription-filter.ts'
import type { Reply } from '../session/reply.ts'
import { type Message, notification, type Request, resultAnswer } from '../upstream/message.ts'

/** The answer to one `subscriptions/listen`: an acknowledgement, then notices, each marked with the request's id. */
export interface SubscriptionStream {
  isAcknowledged(): boolean
  /** Only the first one counts, because a stream has one. */
  acknowledge(filter: SubscriptionFilter): Promise<void>
  /** Passes on what the client wants to hear. */
  notice(message: Message): Promise<void>
  /** Ends the stream as a server does. */
  finish(): Promise<void>
}

export const ACKNOWLEDGED = 'subscriptions/acknowledged'

export function createSubscriptionStream(
  reply: Reply,
  { id }: Request,
  filter: SubscriptionFilter,
): SubscriptionStream {
  let acknowledged = false
  const mark = { [META.subscription]: id }
  const send = (message: Message) => {
    const params = isJsonObject(message.params) ? message.params : {}
    return reply.send({ message: { ...message, params: { ...params, _meta: { ...metaOf(message), ...mark } } } })
  }
  return {
    isAcknowledged: () => acknowledged,
    async acknowledge(taken) {
      if (acknowledged) return
      acknowledged = true
      await send(notification(ACKNOWLEDGED, { notifications: filterMembers(taken) }))
    },
    async notice(message) {
      if (acknowledged && isWanted(filter, message)) await send(message)
    },
    finish: () => reply.finish(resultAnswer(id, { resultType: 'complete', _meta: mark })),
  }
}
