import { setTimeout as delay } from 'node:timers/promises'
import { newCorrelationId } from '../model/correlation-id.ts'
import type { RequestCause } from '../model/credential-state.ts'
import type { WaitEnd } from '../ports/pending-request.ts'
import type { ClientAnswer, ClientPort } from './client-port.ts'
import type { GateDecision } from './gate-decision.ts'
import { gateTexts } from './gate-texts.ts'
import type { CredentialRequest, GatedProvider } from './gated-provider.ts'

export interface AskParts {
  readonly client: ClientPort
  readonly provider: Pick<GatedProvider, 'label'>
  readonly request: CredentialRequest
  readonly cause: RequestCause
  readonly decision: Extract<GateDecision, { action: 'ask-and-wait' }>
}

const KEEP_ALIVE_EVERY = 10_000
/** The client may answer a little later than the wait ends, so that the wait's own text is what is read. */
const ANSWER_GRACE = 5_000
const NOTICE_GRACE = 2_000
const timedOut = new Error('the wait is over')

/** `heartbeats`: progress notifications that the wait has sent. */
export type WaitAnswer =
  | { readonly saved: true; readonly heartbeats: number }
  | { readonly saved: false; readonly text: string }

/**
 * Asks by URL elicitation on the call's own stream and waits for the form. The two run side by side: `accept` means only that the
 * user agreed to open the page, and some clients answer no earlier than the user is done.
 *
 * Resolves that it was saved, or the text to answer with. Rejects when the client has gone; the request and its link stay.
 */
export async function askAndWait(parts: AskParts): Promise<WaitAnswer> {
  const { client, provider, request, cause, decision } = parts
  const ended = new AbortController()
  const clientGone = () => ended.abort(client.signal.reason)
  if (client.signal.aborted) await request.leave()
  client.signal.throwIfAborted()
  client.signal.addEventListener('abort', clientGone)
  const timer = setTimeout(() => ended.abort(timedOut), decision.waitSeconds * 1000)
  const heart = keepAlive(client, provider.label, decision.keepAlive)

  const elicitationId = newCorrelationId()
  const waitMilliseconds = decision.waitSeconds * 1000 + ANSWER_GRACE
  const question = { message: gateTexts.ask(provider.label, cause), url: request.url, elicitationId }
  const answer = answerOf(client, question, { waitMilliseconds, signal: ended.signal })
  const waiting = request.wait(ended.signal)
  // A client's words and the request's end are kept apart: only the request can say that a credential was saved.
  const saidOrDone = answer.then(async (said) => (said === 'accept' ? { end: await waiting } : { said }))
  try {
    const first = await Promise.race([waiting.then((end) => ({ end })), saidOrDone])
    if ('end' in first && first.end === 'saved') {
      // Before the call's result, on the same stream; a client that does not take it must not keep the call from what it asked for.
      const notified = attempt(() => client.notifyDone(elicitationId, 'call'))
      await Promise.race([notified, delay(NOTICE_GRACE, undefined, { ref: false })])
      return { saved: true, heartbeats: heart.stop() }
    }
    if ('said' in first && first.said === 'decline') {
      ended.abort()
      await waiting.catch(() => undefined)
      await request.withdraw()
    }
    return { saved: false, text: textFor('end' in first ? first.end : first.said, provider.label, request, cause) }
  } catch (error) {
    if (ended.signal.reason === timedOut)
      return { saved: false, text: gateTexts.stillWaiting(provider.label, request.url) }
    throw error
  } finally {
    clearTimeout(timer)
    heart.stop()
    client.signal.removeEventListener('abort', clientGone)
    ended.abort()
    waiting.catch(() => undefined)
  }
}

const ANSWERS: ReadonlySet<unknown> = new Set<ClientAnswer>(['accept', 'decline', 'cancel', 'failed'])

/** The client's answer. A port that throws, or answers what none may, has failed to ask. */
async function answerOf(client: ClientPort, ...asked: Parameters<ClientPort['askByUrl']>): Promise<ClientAnswer> {
  const answer = await attempt(() => client.askByUrl(...asked))
  return answer !== undefined && ANSWERS.has(answer) ? answer : 'failed'
}

/** What a port resolves; undefined when it throws, at once or later. */
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
      return gateTexts.cancelled(label)
    case 'decline':
    case 'declined':
      return gateTexts.declined(label)
    case 'cancel':
      return gateTexts.dismissed(label, request.url)
    case 'expired':
      return gateTexts.expired(label)
    case 'failed':
    case 'saved':
      return gateTexts.openLink(label, cause, request)
  }
}

function keepAlive({ progress: send }: ClientPort, label: string, wanted: boolean): { stop(): number } {
  let progress = 0
  const beat = () => {
    progress += 1
    if (send) void attempt(() => send(progress, `Waiting for the ${label} credential to be entered`))
  }
  const timer = wanted && send ? setInterval(beat, KEEP_ALIVE_EVERY) : undefined
  return {
    stop() {
      clearInterval(timer)
      return progress
    },
  }
}
