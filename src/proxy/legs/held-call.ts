import { LEG_HOLD_SECONDS } from '../../core/gate/gate-decision.ts'
import type { Answered } from '../relay/relayed-request.ts'
import type { Reply } from '../session/reply.ts'
import type { Message, Request } from '../upstream/message.ts'
import { isRequest } from '../upstream/message.ts'
import type { UpstreamEvent } from '../upstream/upstream.ts'
import { noticeIn } from './leg-notices.ts'

/**
 * One call at an upstream over all legs of its client. What the upstream sends goes to the leg that is open; between two legs it waits, and
 * with it the upstream.
 */
export interface HeldCall {
  /** Opens a leg, and waits for what ends it: a question of the upstream, or the answer. */
  next(leg: OpenLeg): Promise<LegEnd>
  /** Answers the question that ended the leg before. */
  answer(result: unknown): Promise<void>
  /** The question that waits for its answer. */
  question(): Request | undefined
  /** Whether the upstream has no more to say, or nobody has come for it in time. */
  hasEnded(): boolean
  end(): void
}

export interface OpenLeg {
  readonly reply: Reply
  readonly message: Request
}

export type LegEnd =
  | { readonly kind: 'question'; readonly question: Request }
  | { readonly kind: 'answered'; readonly answered: Answered | undefined }

/** Where a running call sends, whichever leg is open. */
export interface CallSink {
  /** Aborts when the client of an open leg is gone, when no leg follows in time, and when the process ends. */
  readonly signal: AbortSignal
  readonly reply: Pick<Reply, 'send' | 'stream'>
  /** Tells the call how its questions are answered. Without it none is asked. */
  answerBy(send: (answer: Message) => Promise<void>): void
}

export function createHeldCall(run: (sink: CallSink) => Promise<Answered | undefined>): HeldCall {
  const over = new AbortController()
  let leg: OpenLeg | undefined
  let opened: () => void = () => undefined
  let opening = new Promise<void>((resolve) => {
    opened = resolve
  })
  let ask: (question: Request) => void = () => undefined
  let question: Request | undefined
  let reply: ((answer: Message) => Promise<void>) | undefined
  let holding: NodeJS.Timeout | undefined

  function close(): void {
    leg = undefined
    opening = new Promise((resolve) => {
      opened = resolve
    })
    holding = setTimeout(() => over.abort(), LEG_HOLD_SECONDS * 1000)
    holding.unref()
  }

  async function openLeg(): Promise<OpenLeg> {
    while (!leg) await opening
    return leg
  }

  async function send(event: UpstreamEvent): Promise<void> {
    const { message } = event
    if (!message) return
    const current = await openLeg()
    if (isRequest(message) && reply) {
      question = message
      close()
      return ask(message)
    }
    const notice = noticeIn(current.message, message)
    if (notice) await current.reply.send({ message: notice })
  }

  const sink: CallSink = {
    signal: over.signal,
    reply: { send, stream: () => leg?.reply.stream() },
    answerBy(given) {
      reply = given
    },
  }
  let running: Promise<Answered | undefined> | undefined
  let ended = false

  return {
    question: () => question,
    async next(given) {
      clearTimeout(holding)
      leg = given
      given.reply.gone.addEventListener('abort', () => {
        if (leg === given) over.abort()
      })
      if (given.reply.gone.aborted) over.abort()
      const asked = new Promise<LegEnd>((resolve) => {
        ask = (one) => resolve({ kind: 'question', question: one })
      })
      opened()
      running ??= run(sink).finally(() => {
        ended = true
        clearTimeout(holding)
      })
      // A call that ends between two legs has told the upstream, and nobody else waits.
      running.catch(() => undefined)
      return Promise.race([asked, running.then((answered): LegEnd => ({ kind: 'answered', answered }))])
    },
    async answer(result) {
      const { id } = question ?? {}
      question = undefined
      if (id !== undefined) await reply?.({ jsonrpc: '2.0', id, result })
    },
    hasEnded: () => ended || over.signal.aborted,
    end: () => over.abort(),
  }
}
