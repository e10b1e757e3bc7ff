import { setTimeout as delay } from 'node:timers/promises'
import type { Drain } from '../host/drain.ts'
import { newCorrelationId } from '../model/correlation-id.ts'
import type { RequestCause } from '../model/credential-state.ts'
import type { WaitEnd } from '../ports/pending-request.ts'
import type { ClientAnswer, ClientPort, OpenQuestions } from './client-port.ts'
import type { GateDecision } from './gate-decision.ts'
import { gateTexts } from './gate-texts.ts'
import type { CredentialRequest, GatedProvider } from './gated-provider.ts'
import type { ToolCall } from './tool-call.ts'

export interface AskParts {
  readonly client: ClientPort
  readonly provider: Pick<GatedProvider, 'label'>
  /** What the connection's other calls ask. Default: nothing. */
  readonly questions?: OpenQuestions | undefined
  /** Ends the wait when the process is about to end. */
  readonly drain: Pick<Drain, 'onBegin'> | undefined
  readonly request: CredentialRequest
  readonly cause: RequestCause
  /** Counts the progress that the wait sends. */
  readonly toolCall: Pick<ToolCall, 'progress'>
  readonly decision: Extract<GateDecision, { action: 'ask-and-wait' }>
}

const KEEP_ALIVE_EVERY = 10_000
/** Lets the client answer a little later than the wait ends, so that the user reads the wait's own text. */
const ANSWER_GRACE = 5_000
const NOTICE_GRACE = 2_000
const timedOut = new Error('the wait is over')
const stopping = new Error('the process is about to end')

export type WaitAnswer = { readonly saved: true } | { readonly saved: false; readonly text: string }

/**
 * Asks by URL elicitation on the call's own stream and waits for the form. Both run at the same time: `accept` means only that the user
 * agreed to open the page, and some clients answer only when the user has finished.
 *
 * Resolves to `saved`, or to the text of the answer. Rejects if the client disconnects; the request and its link remain.
 */
export async function askAndWait(parts: AskParts): Promise<WaitAnswer> {
  const { client, provider, request, cause, decision, toolCall, drain, questions } = parts
  const bound = await boundWait({ client, drain }, request, decision.waitSeconds)
  const { ended } = bound
  const keptAlive = keepAlive(client, toolCall, provider.label, decision.keepAlive)

  const elicitationId = newCorrelationId()
  const waitMilliseconds = decision.waitSeconds * 1000 + ANSWER_GRACE
  const question = { message: gateTexts.ask(provider.label, cause), url: request.url, elicitationId }
  let hasAsked = false
  const ask = () => {
    hasAsked = true
    return answerOf(client, question, { waitMilliseconds, signal: ended.signal })
  }
  const answer = questions ? questions.ask(request.url, ended.signal, ask) : ask()
  const waiting = request.wait(ended.signal)
  // The client's answer and the request's end are kept apart: only the request can report that a credential was saved.
  const saidOrDone = answer.then(async (said) => (said === 'accept' ? { end: await waiting } : { said }))
  try {
    const first = await Promise.race([waiting.then((end) => ({ end })), saidOrDone])
    if ('end' in first && first.end === 'saved') {
      // The notice goes out before the call's result, on the same stream. A client that does not take it must not delay the call.
      const notified = hasAsked && attempt(() => client.notifyDone(elicitationId, 'call'))
      await Promise.race([notified, delay(NOTICE_GRACE, undefined, { ref: false })])
      return { saved: true }
    }
    if ('said' in first && first.said === 'decline') {
      ended.abort()
      await waiting.catch(() => undefined)
      await request.withdraw()
    }
    return { saved: false, text: textFor('end' in first ? first.end : first.said, provider.label, request, cause) }
  } catch (error) {
    const reason = bound.reason()
    if (reason === 'over') return { saved: false, text: gateTexts.stillWaiting(provider.label, request.url) }
    if (reason === 'stopping') return { saved: false, text: gateTexts.stopping(provider.label, request) }
    throw error
  } finally {
    keptAlive.stop()
    bound.stop()
    waiting.catch(() => undefined)
  }
}

export interface BoundWait {
  /** Aborts when the time is over, the client is gone, or the process is about to end. */
  readonly ended: AbortController
  /** Undefined while neither the time nor the process has ended the wait. */
  reason(): 'over' | 'stopping' | undefined
  stop(): void
}

/** Bounds a wait that is about to begin. Rejects, and leaves the request, if the client is gone already. */
export async function boundWait(
  { client, drain }: Pick<AskParts, 'client' | 'drain'>,
  request: CredentialRequest,
  seconds: number,
): Promise<BoundWait> {
  const ended = new AbortController()
  const clientGone = () => ended.abort(client.signal.reason)
  if (client.signal.aborted) await request.leave()
  client.signal.throwIfAborted()
  client.signal.addEventListener('abort', clientGone)
  const timer = setTimeout(() => ended.abort(timedOut), seconds * 1000)
  const unwatch = drain?.onBegin(() => ended.abort(stopping))
  return {
    ended,
    reason() {
      if (ended.signal.reason === timedOut) return 'over'
      return ended.signal.reason === stopping ? 'stopping' : undefined
    },
    stop() {
      clearTimeout(timer)
      unwatch?.()
      client.signal.removeEventListener('abort', clientGone)
      ended.abort()
    },
  }
}

const ANSWERS: ReadonlySet<unknown> = new Set<ClientAnswer>(['accept', 'decline', 'cancel', 'failed'])

/** Returns the client's answer. A port that throws, or gives an unknown answer, has failed to ask. */
async function answerOf(client: ClientPort, ...asked: Parameters<ClientPort['askByUrl']>): Promise<ClientAnswer> {
  const answer = await attempt(() => client.askByUrl(...asked))
  return answer !== undefined && ANSWERS.has(answer) ? answer : 'failed'
}

/** Returns the port's result, or undefined if it throws, immediately or later. */
async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch {
    return undefined
  }
}

function textFor(
  end: WaitEnd | Exclude<ClientAnswer, 'accept'>,
  label: string,
  request: AskParts['request'],
  cause: AskParts['cause'],
): string {
  switch (end) {
    case 'cancelled':
    case 'declined':
    case 'expired':
      return endText(end, label)
    case 'decline':
      return endText('declined', label)
    case 'cancel':
      return gateTexts.dismissed(label, request.url)
    case 'failed':
    case 'saved':
      return gateTexts.openLink(label, cause, request)
  }
}

/** The text for a call whose request ended without a credential. */
export function endText(end: Exclude<WaitEnd, 'saved'>, label: string): string {
  return { cancelled: gateTexts.cancelled, declined: gateTexts.declined, expired: gateTexts.expired }[end](label)
}

/** Sends progress every ten seconds, if it is wanted and the client accepts it. */
export function keepAlive(
  { progress: send }: ClientPort,
  toolCall: AskParts['toolCall'],
  label: string,
  wanted: boolean,
): { stop(): void } {
  const beat = () => {
    if (!send) return
    const progress = toolCall.progress.beat()
    void attempt(() => send(progress, `Waiting for the ${label} credential to be entered`))
  }
  const timer = wanted && send ? setInterval(beat, KEEP_ALIVE_EVERY) : undefined
  return { stop: () => clearInterval(timer) }
}
