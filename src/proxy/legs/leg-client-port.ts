import type { CallLeg, ClientAnswer, ClientPort } from '../../core/gate/client-port.ts'
import { isJsonObject } from '../../core/model/json.ts'
import { requestTrace } from '../../core/telemetry/request-trace.ts'
import { envelopeOf } from '../era/envelope.ts'
import { progressOn } from '../relay/proxy-client-port.ts'
import type { SessionClient } from '../session/proxy-session.ts'
import type { Reply } from '../session/reply.ts'
import type { Message, Request } from '../upstream/message.ts'

/** The requests that a client of MCP 2026-07-28 repeats to answer questions. */
const WITH_LEGS: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])

export function hasLegs({ method }: Request): boolean {
  return WITH_LEGS.has(method)
}

/** What a request says of its client. Where the client cannot be asked, it gets the link as text. */
export function clientOf(message: Message): SessionClient {
  const { clientName, capabilities } = envelopeOf(message)
  const { elicitation } = capabilities
  const isAsked = message.method !== undefined && WITH_LEGS.has(message.method)
  const hasUrl = isAsked && isJsonObject(elicitation) && isJsonObject(elicitation['url'])
  return { name: clientName, ability: hasUrl ? 'url-elicitation' : 'no-url-elicitation' }
}

export interface LegClientPortParts {
  readonly request: Request
  readonly reply: Pick<Reply, 'send'>
  readonly signal: AbortSignal
  readonly headers: object
}

/** The client of one leg, which is asked by the leg's result. */
export function legClientPort({ request, reply, signal, headers }: LegClientPortParts): ClientPort {
  const { meta } = envelopeOf(request)
  return {
    ...clientOf(request),
    signal,
    trace: requestTrace({ meta, headers }),
    progress: progressOn(reply, meta),
    leg: hasLegs(request) ? legOf(request) : undefined,
    askByUrl: async () => 'failed',
    notifyDone: async () => undefined,
  }
}

function legOf({ params = {} }: Request): CallLeg {
  const { requestState: state, inputResponses: answers } = params
  return {
    state: typeof state === 'string' ? state : undefined,
    answerTo(key) {
      const answer = isJsonObject(answers) && Object.hasOwn(answers, key) ? answers[key] : undefined
      const action = isJsonObject(answer) ? answer['action'] : undefined
      return isAction(action) ? action : undefined
    },
  }
}

function isAction(action: unknown): action is Exclude<ClientAnswer, 'failed'> {
  return action === 'accept' || action === 'decline' || action === 'cancel'
}
