import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { newCorrelationId } from '../../core/credentials/credentials.ts'
import type { GateDecision } from '../../core/gate/gate-decision.ts'
import { gateTexts } from '../../core/gate/gate-texts.ts'
import type { CredentialRequest, GatedProvider } from '../../core/gate/gated-provider.ts'
import type { WaitEnd } from '../../core/ports/pending-request.ts'
import type { ToolExtra } from './tool-handler.ts'

export interface AskParts {
  readonly server: Server
  readonly provider: GatedProvider
  readonly request: CredentialRequest
  readonly cause: 'absent' | 'revoked'
  readonly extra: ToolExtra
  readonly decision: Extract<GateDecision, { action: 'ask-and-wait' }>
}

const KEEP_ALIVE_EVERY = 10_000
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
  const { provider, request, cause, extra, decision } = parts
  const ended = new AbortController()
  const clientGone = () => ended.abort(extra.signal.reason)
  if (extra.signal.aborted) await request.leave()
  extra.signal.throwIfAborted()
  extra.signal.addEventListener('abort', clientGone)
  const timer = setTimeout(() => ended.abort(timedOut), decision.waitSeconds * 1000)
  const heart = keepAlive(extra, provider.label, decision.keepAlive)

  const question = ask(parts, ended.signal)
  const waiting = request.wait(ended.signal)
  try {
    const end = await Promise.race([
      waiting,
      question.answer.then((action) => (action === 'accept' ? waiting : action)),
    ])
    if (end === 'saved') {
      await question.complete()
      return { saved: true, heartbeats: heart.stop() }
    }
    if (end === 'decline') {
      ended.abort()
      await waiting.catch(() => undefined)
      await request.withdraw()
    }
    return { saved: false, text: textFor(end, provider.label, request.url, cause) }
  } catch (error) {
    if (ended.signal.reason === timedOut)
      return { saved: false, text: gateTexts.stillWaiting(provider.label, request.url) }
    throw error
  } finally {
    clearTimeout(timer)
    heart.stop()
    extra.signal.removeEventListener('abort', clientGone)
    ended.abort()
    waiting.catch(() => undefined)
  }
}

/** `failed`: the client could not show the question, so its user has not seen the link. */
type ClientAnswer = 'accept' | 'decline' | 'cancel' | 'failed'

interface Question {
  readonly answer: Promise<ClientAnswer>
  /** Tells the client that asked, and nobody else, that the form is done. */
  complete(): Promise<void>
}

function ask({ server, provider, request, cause, extra, decision }: AskParts, signal: AbortSignal): Question {
  const elicitationId = newCorrelationId()
  // Without relatedRequestId either message would go to a stream that the client may not have open.
  const notify = server.createElicitationCompletionNotifier(elicitationId, { relatedRequestId: extra.requestId })
  const answer = server
    .elicitInput(
      { mode: 'url', message: gateTexts.ask(provider.label, cause), url: request.url, elicitationId },
      { relatedRequestId: extra.requestId, timeout: (decision.waitSeconds + 5) * 1000, signal },
    )
    .then(
      (result) => result.action,
      () => (signal.aborted ? 'accept' : 'failed'),
    )
  return { answer, complete: () => notify().catch(() => undefined) }
}

function textFor(
  end: Exclude<WaitEnd, 'saved'> | Exclude<ClientAnswer, 'accept'>,
  label: string,
  url: string,
  cause: AskParts['cause'],
): string {
  switch (end) {
    case 'cancelled':
      return gateTexts.cancelled(label)
    case 'decline':
    case 'declined':
      return gateTexts.declined(label)
    case 'cancel':
      return gateTexts.dismissed(label, url)
    case 'expired':
      return gateTexts.expired(label)
    case 'failed':
      return gateTexts.openLink(label, cause, url)
  }
}

function keepAlive(extra: ToolExtra, label: string, wanted: boolean): { stop(): number } {
  const progressToken = extra._meta?.progressToken
  let progress = 0
  const beat = () => {
    if (progressToken === undefined) return
    progress += 1
    const params = { progressToken, progress, message: `Waiting for the ${label} credential to be entered` }
    extra.sendNotification({ method: 'notifications/progress', params }).catch(() => undefined)
  }
  const timer = wanted ? setInterval(beat, KEEP_ALIVE_EVERY) : undefined
  return {
    stop() {
      clearInterval(timer)
      return progress
    },
  }
}
