import type { RequestCause } from '../model/credential-state.ts'
import type { WaitEnd } from '../ports/pending-request.ts'
import { boundWait, endText, type WaitParts } from './ask-and-wait.ts'
import { type CallState, sealCallState } from './call-state.ts'
import type { CallLeg } from './client-port.ts'
import { decideLeg } from './gate-decision.ts'
import { gateTexts } from './gate-texts.ts'
import type { GatedCall } from './gated-call.ts'
import type { CredentialRequest, GatedProvider, RepeatedCalls } from './gated-provider.ts'

export interface LegParts extends WaitParts {
  readonly leg: CallLeg
  readonly provider: GatedProvider
  readonly calls: RepeatedCalls
  readonly call: GatedCall
  readonly cause: RequestCause
  readonly failFast: boolean
  /** The call's own state of an earlier leg that asked for this provider's credential. */
  readonly state: CallState | undefined
  /** What the state is bound to. */
  readonly binding: string
}

/** A question that the client answers when it repeats the call. `key` names it among the result's input requests. */
export interface LegQuestion {
  readonly key: string
  readonly message: string
  readonly url: string
}

export type LegAnswer =
  | { readonly kind: 'saved' }
  | { readonly kind: 'text'; readonly text: string }
  /** Without `question`, the client repeats the call at once. */
  | { readonly kind: 'input-required'; readonly question?: LegQuestion; readonly state: string }

/**
 * Answers one leg of a call that its client repeats: asks, waits for the form for a part of the time, or says why the call ends. A call
 * asks its user once, and writes one `credential.requested`, however many legs it has.
 *
 * Rejects if the client disconnects; the request and its link remain.
 */
export async function askByResult(parts: LegParts): Promise<LegAnswer> {
  const { leg, provider, calls, call, cause, state, failFast } = parts
  const { label, name, tokenTimeoutSeconds } = provider
  const key = `credential:${name}`
  const decision = decideLeg({ round: state?.round, answer: leg.answerTo(key), failFast, tokenTimeoutSeconds })
  if (state === undefined) return ask(parts, key)
  const waits = decision.action === 'hold' && decision.seconds > 0
  const request = await calls.resume(call, state.handle, { waits })
  if (request === 'saved') {
    // Saved after the gate looked; or put out of use since, and then the user is asked for another one.
    return (await provider.credentialState(call)) === 'active' ? { kind: 'saved' } : ask(parts, key)
  }
  if (typeof request === 'string') return words(endText(request, label))
  switch (decision.action) {
    case 'ask':
      return question(parts, key, request)
    case 'give-up':
      if (decision.answer === 'cancel') return words(gateTexts.dismissed(label, request.url))
      await request.withdraw()
      return words(gateTexts.declined(label))
    case 'hold': {
      if (waits && !request.mayWait) return words(gateTexts.openLink(label, cause, request))
      const end = waits ? await hold(parts, request, decision.seconds) : 'over'
      return afterHold(parts, { request, end, next: decision.next })
    }
  }
}

async function ask(parts: LegParts, key: string): Promise<LegAnswer> {
  return question(parts, key, await parts.provider.requestCredential(parts.call, parts.cause, { waits: false }))
}

function question(parts: LegParts, key: string, request: CredentialRequest): LegAnswer {
  const message = gateTexts.ask(parts.provider.label, parts.cause)
  return { kind: 'input-required', question: { key, message, url: request.url }, state: sealed(parts, request, 0) }
}

function sealed({ provider, calls, call, binding }: LegParts, { request }: CredentialRequest, round: number): string {
  const state = { handle: request.handle, provider: provider.name, round, correlationId: call.correlationId }
  return sealCallState(calls, state, binding, request.expiresAt)
}

interface Held {
  readonly request: CredentialRequest
  readonly end: WaitEnd | 'over' | 'stopping'
  readonly next: number | undefined
}

function afterHold(parts: LegParts, { request, end, next }: Held): LegAnswer {
  const { label } = parts.provider
  if (end === 'saved') return { kind: 'saved' }
  if (end !== 'over' && end !== 'stopping') return words(endText(end, label))
  // While this process ends, another one can hold the next leg.
  const isContinued = next !== undefined && (end === 'over' || request.outlivesProcess)
  if (isContinued) return { kind: 'input-required', state: sealed(parts, request, next) }
  return words(end === 'over' ? gateTexts.stillWaiting(label, request.url) : gateTexts.stopping(label, request))
}

async function hold(parts: LegParts, request: CredentialRequest, seconds: number): Promise<Held['end']> {
  const bound = await boundWait(parts, request, { seconds, keepAlive: true })
  try {
    return await request.wait(bound.signal)
  } catch (error) {
    const reason = bound.reason()
    if (reason === undefined) throw error
    return reason
  } finally {
    bound.stop()
  }
}

function words(text: string): LegAnswer {
  return { kind: 'text', text }
}
