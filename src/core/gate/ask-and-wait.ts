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
  const answer = client.askByUrl(question, { waitMilliseconds, signal: ended.signal })
  const waiting = request.wait(ended.signal)
  try {
    const end = await Promise.race([waiting, answer.then((action) => (action === 'accept' ? waiting : action))])
    if (end === 'saved') {
      await client.notifyDone(elicitationId, 'call').catch(() => undefined)
      return { saved: true, heartbeats: heart.stop() }
    }
    if (end === 'decline') {
      ended.abort()
      await waiting.catch(() => undefined)
      await request.withdraw()
    }
    return { saved: false, text: textFor(end, provider.label, request, cause) }
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

function textFor(
  end: Exclude<WaitEnd, 'saved'> | Exclude<ClientAnswer, 'accept'>,
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
      return gateTexts.openLink(label, cause, request)
  }
}

function keepAlive({ progress: send }: ClientPort, label: string, wanted: boolean): { stop(): number } {
  let progress = 0
  const beat = () => {
    progress += 1
    send?.(progress, `Waiting for the ${label} credential to be entered`).catch(() => undefined)
  }
  const timer = wanted && send ? setInterval(beat, KEEP_ALIVE_EVERY) : undefined
  return {
    stop() {
      clearInterval(timer)
      return progress
    },
  }
}
