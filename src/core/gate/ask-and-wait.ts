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

/** What a wait needs while it lasts. */
export interface WaitParts {
  readonly client: ClientPort
  readonly provider: Pick<GatedProvider, 'label'>
  /** Ends the wait when the process is about to end. */
  readonly drain: Pick<Drain, 'onBegin'> | undefined
  /** Counts the progress that the wait sends. */
  readonly toolCall: Pick<ToolCall, 'progress'>
}

export interface AskParts extends WaitParts {
  /** What the connection's other calls ask. Default: nothing. */
  readonly questions?: OpenQuestions | undefined
  readonly request: CredentialRequest
  readonly cause: RequestCause
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
  const { decision } = parts
  const bound = await boundWait(parts, parts.request, { seconds: decision.waitSeconds, keepAlive: decision.keepAlive })
  return new Promise((resolve, reject) => new OpenQuestion(parts, bound, { resolve, reject }).begin())
}

interface Settle {
  resolve(answer: WaitAnswer): void
  reject(reason: unknown): void
}

/** How the request ended, or what the client said instead of `accept`: whatever came first. */
type First = WaitEnd | Exclude<ClientAnswer, 'accept'>

/**
 * One question to the client, until the client or the form answers. A class: see "A waiting call takes little memory" in docs/design.md.
 */
class OpenQuestion {
  readonly #parts: AskParts
  readonly #bound: BoundWait
  readonly #settle: Settle
  readonly #elicitationId = newCorrelationId()
  /** Another call of the connection may have asked for this one. */
  #hasAsked = false
  #isAnswered = false

  constructor(parts: AskParts, bound: BoundWait, settle: Settle) {
    this.#parts = parts
    this.#bound = bound
    this.#settle = settle
  }

  begin(): void {
    const { questions, request } = this.#parts
    const { signal } = this.#bound
    const ask = () => this.#ask()
    const answer = questions ? questions.ask(request.url, signal, ask) : ask()
    // The client's answer and the request's end are kept apart: only the request can report that a credential was saved.
    const waiting = request.wait(signal)
    waiting.then(
      (end) => this.#answer(end),
      (error: unknown) => this.#fail(error),
    )
    answer.then(
      (said) => (said === 'accept' ? undefined : this.#answer(said, waiting)),
      (error: unknown) => this.#fail(error),
    )
  }

  #ask(): Promise<ClientAnswer> {
    const { client, provider, cause, request, decision } = this.#parts
    this.#hasAsked = true
    const message = gateTexts.ask(provider.label, cause)
    return answerOf(
      client,
      { message, url: request.url, elicitationId: this.#elicitationId },
      { waitMilliseconds: decision.waitSeconds * 1000 + ANSWER_GRACE, signal: this.#bound.signal },
    )
  }

  async #answer(first: First, waiting?: Promise<WaitEnd>): Promise<void> {
    if (this.#isAnswered) return
    this.#isAnswered = true
    const { client, provider, request, cause } = this.#parts
    try {
      if (first === 'saved') {
        // The notice goes out before the call's result, on the same stream. A client that does not take it must not delay the call.
        const notified = this.#hasAsked && attempt(() => client.notifyDone(this.#elicitationId, 'call'))
        await Promise.race([notified, delay(NOTICE_GRACE, undefined, { ref: false })])
      }
      if (first === 'decline') {
        this.#bound.stop()
        await waiting?.catch(() => undefined)
        await request.withdraw()
      }
      this.#end(
        first === 'saved' ? { saved: true } : { saved: false, text: textFor(first, provider.label, request, cause) },
      )
    } catch (error) {
      this.#throw(error)
    }
  }

  #fail(error: unknown): void {
    if (this.#isAnswered) return
    this.#isAnswered = true
    const { provider, request } = this.#parts
    const reason = this.#bound.reason()
    if (reason === 'over') this.#end({ saved: false, text: gateTexts.stillWaiting(provider.label, request.url) })
    else if (reason === 'stopping') this.#end({ saved: false, text: gateTexts.stopping(provider.label, request) })
    else this.#throw(error)
  }

  #end(answer: WaitAnswer): void {
    this.#bound.stop()
    this.#settle.resolve(answer)
  }

  #throw(error: unknown): void {
    this.#bound.stop()
    this.#settle.reject(error)
  }
}

export interface WaitBounds {
  readonly seconds: number
  /** Whether to send progress every ten seconds, if the client accepts it. */
  readonly keepAlive: boolean
}

/** Bounds a wait that is about to begin. Rejects, and leaves the request, if the client is gone already. */
export async function boundWait(
  parts: WaitParts,
  request: Pick<CredentialRequest, 'leave'>,
  bounds: WaitBounds,
): Promise<BoundWait> {
  const { signal } = parts.client
  if (signal.aborted) await request.leave()
  signal.throwIfAborted()
  return new BoundWait(parts, bounds)
}

export class BoundWait {
  readonly #parts: WaitParts
  readonly #controller = new AbortController()
  readonly #keepAlive: boolean
  readonly #unwatch: (() => void) | undefined
  /** Milliseconds after the next timer. */
  #left: number
  #timer: NodeJS.Timeout

  constructor(parts: WaitParts, { seconds, keepAlive }: WaitBounds) {
    const { client, drain } = parts
    this.#parts = parts
    this.#left = seconds * 1000
    this.#keepAlive = keepAlive && client.progress !== undefined
    this.#timer = this.#next()
    client.signal.addEventListener('abort', this)
    this.#unwatch = drain?.onBegin(() => this.#controller.abort(stopping))
  }

  #next(): NodeJS.Timeout {
    const beats = this.#keepAlive && this.#left > KEEP_ALIVE_EVERY
    const time = beats ? KEEP_ALIVE_EVERY : this.#left
    this.#left -= time
    return setTimeout(beats ? BoundWait.#beat : BoundWait.#over, time, this)
  }

  // Static, and given the wait by the timer, so that no timer needs a closure.
  static #over(wait: BoundWait): void {
    wait.#controller.abort(timedOut)
  }

  static #beat(wait: BoundWait): void {
    wait.#timer = wait.#next()
    const { client, provider, toolCall } = wait.#parts
    const text = `Waiting for the ${provider.label} credential to be entered`
    void attempt(async () => client.progress?.(toolCall.progress.beat(), text))
  }

  /** Aborts when the time is over, the client is gone, or the process is about to end. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The client is gone. */
  handleEvent(): void {
    this.#controller.abort(this.#parts.client.signal.reason)
  }

  /** Undefined while neither the time nor the process has ended the wait. */
  reason(): 'over' | 'stopping' | undefined {
    const { reason } = this.signal
    if (reason === timedOut) return 'over'
    return reason === stopping ? 'stopping' : undefined
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#unwatch?.()
    this.#parts.client.signal.removeEventListener('abort', this)
    this.#controller.abort()
  }
}

const ANSWERS: ReadonlySet<unknown> = new Set<ClientAnswer>(['accept', 'decline', 'cancel', 'failed'])

/** Returns the client's answer. A port that throws, or gives an unknown answer, has failed to ask. */
function answerOf(client: ClientPort, ...asked: Parameters<ClientPort['askByUrl']>): Promise<ClientAnswer> {
  return attempt(() => client.askByUrl(...asked)).then(checkedAnswer)
}

function checkedAnswer(answer: ClientAnswer | undefined): ClientAnswer {
  return answer !== undefined && ANSWERS.has(answer) ? answer : 'failed'
}

/** Resolves to the port's result, or to undefined if it throws, immediately or later. */
function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return Promise.resolve(work()).catch(nothing)
  } catch {
    return Promise.resolve(undefined)
  }
}

function nothing(): undefined {
  return undefined
}

function textFor(end: First, label: string, request: AskParts['request'], cause: AskParts['cause']): string {
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
