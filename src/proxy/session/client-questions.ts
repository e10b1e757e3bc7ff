import { randomUUID } from 'node:crypto'
import type { ClientAnswer } from '../../core/gate/client-port.ts'
import { isJsonObject } from '../../core/model/json.ts'
import type { Message } from '../upstream/message.ts'

/** Questions of the proxy's own that the client of one session has been asked. Those of the upstream are not among them. */
export interface ClientQuestions {
  /** Sends a question and waits for its answer. `failed`: it could not be sent, or the client answered with an error. */
  ask(send: (id: string) => Promise<void>, options: QuestionWait): Promise<ClientAnswer>
  /** Takes the client's answer, if it is to a question of ours. Returns whether it was. */
  answered(message: Message): boolean
}

export interface QuestionWait {
  readonly waitMilliseconds: number
  readonly signal: AbortSignal
}

/** The upstream's own ids are its own matter: none begins so, unless by malice, and none is among the open questions. */
const PREFIX = 'credential-proxy:'

export function createClientQuestions(): ClientQuestions {
  const open = new Map<string, (answer: ClientAnswer) => void>()
  return {
    ask: (send, { waitMilliseconds, signal }) =>
      new Promise((resolve) => {
        const id = `${PREFIX}${randomUUID()}`
        const settle = (answer: ClientAnswer) => {
          clearTimeout(timer)
          signal.removeEventListener('abort', withdrawn)
          open.delete(id)
          resolve(answer)
        }
        // As in the adapters of SDKs: a question that is withdrawn has not failed.
        const withdrawn = () => settle('accept')
        const timer = setTimeout(() => settle('failed'), waitMilliseconds)
        open.set(id, settle)
        signal.addEventListener('abort', withdrawn)
        if (signal.aborted) return withdrawn()
        send(id).catch(() => settle('failed'))
      }),

    answered({ id, result }) {
      if (typeof id !== 'string' || !id.startsWith(PREFIX)) return false
      open.get(id)?.(answerIn(result))
      return true
    },
  }
}

function answerIn(result: unknown): ClientAnswer {
  const action = isJsonObject(result) ? result['action'] : undefined
  return action === 'accept' || action === 'decline' || action === 'cancel' ? action : 'failed'
}
