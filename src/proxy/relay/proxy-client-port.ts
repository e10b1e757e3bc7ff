import type { ClientPort } from '../../core/gate/client-port.ts'
import { isJsonObject } from '../../core/model/json.ts'
import { requestTrace } from '../../core/telemetry/request-trace.ts'
import type { ProxySession } from '../session/proxy-session.ts'
import type { Reply } from '../session/reply.ts'
import { isRequestId, notification, type Request } from '../upstream/message.ts'

export interface ProxyClientPortParts {
  readonly session: ProxySession
  readonly request: Request
  readonly reply: Reply
  readonly signal: AbortSignal
  readonly headers: object
}

/** The client of one relayed request. Its questions come on the request's own stream, as the protocol wants. */
export function proxyClientPort({ session, request, reply, signal, headers }: ProxyClientPortParts): ClientPort {
  const given = request.params?.['_meta']
  const meta = isJsonObject(given) ? given : undefined
  return {
    ...session.client,
    signal,
    trace: requestTrace({ meta, headers }),
    progress: progressOn(reply, meta),
    askByUrl: (question, options) => {
      const params = { mode: 'url', ...question }
      const send = (id: string) => reply.send({ message: { jsonrpc: '2.0', id, method: 'elicitation/create', params } })
      return session.questions.ask(send, options)
    },
    notifyDone: (elicitationId, stream) => {
      const message = notification('elicitation/complete', { elicitationId })
      return stream === 'call' ? reply.send({ message }) : session.notify(message)
    },
  }
}

/** Returns how the gate's own progress is sent, if the client has asked for it. */
export function progressOn(
  reply: Pick<Reply, 'send'>,
  meta: Readonly<Record<string, unknown>> | undefined,
): ClientPort['progress'] {
  const progressToken = meta?.['progressToken']
  if (!isRequestId(progressToken)) return undefined
  return (progress, message) => reply.send({ message: notification('progress', { progressToken, progress, message }) })
}
