import type { CredentialState } from '../model/credential-state.ts'
import type { ClientAnswer, ClientPort } from './client-port.ts'

/** The facts that the gate has when a call arrives. */
export interface GateFacts {
  readonly client: ClientPort['ability']
  /** State of the verified owner's credential. Calls without an owner, or whose credential cannot be looked up, are refused earlier. */
  readonly credential: CredentialState
  /** Whether the client accepts progress, which keeps its own timeout from ending the call. */
  readonly progress: boolean
  /** Whether the tool answers at once instead of waiting for its user. */
  readonly failFast: boolean
  /** Whether the call is answered without a question and without a link, as a completion is while its user types. */
  readonly silent: boolean
  /** Whether the server asks by its result and the client repeats the call. */
  readonly repeats: boolean
  /** Whether a repeated call of a client without URL mode is answered with a protocol error. */
  readonly strict: boolean
  /** Longest wait for the user, in seconds. */
  readonly tokenTimeoutSeconds: number
}

export type GateDecision =
  | { readonly action: 'run' }
  /** Ask by URL elicitation, then wait for the form; after `waitSeconds` answer with text and link. */
  | { readonly action: 'ask-and-wait'; readonly waitSeconds: number; readonly keepAlive: boolean }
  /** JSON-RPC error -32042 with the link. `notifyCompletion`: tell the client when the form is saved. */
  | { readonly action: 'answer-url-required'; readonly notifyCompletion: boolean }
  /** Ask by the result. The client repeats the call. */
  | { readonly action: 'ask-by-result' }
  /** Nothing: the user is not asked, and no link is made. */
  | { readonly action: 'answer-nothing' }
  /** A tool error in words, with the link: the client declared no URL mode, so none is sent to it. */
  | { readonly action: 'answer-text' }

/** Clients give up on a call after 60 s unless they hear from it; this leaves time for the answer. */
export const UNHEARD_WAIT_SECONDS = 50

/** Decides how a gated call is answered. Pure: the same facts give the same decision. */
export function decideGate(facts: GateFacts): GateDecision {
  switch (facts.credential) {
    case 'active':
      return { action: 'run' }
    case 'absent':
    case 'revoked':
    case 'rejected':
    case 'expired':
    case 'incomplete':
      return decideAsking(facts)
  }
}

function decideAsking(facts: GateFacts): GateDecision {
  const { client, failFast, progress, repeats, silent, strict, tokenTimeoutSeconds } = facts
  if (silent) return { action: 'answer-nothing' }
  if (repeats && (client === 'url-elicitation' || strict)) return { action: 'ask-by-result' }
  if (repeats) return { action: 'answer-text' }
  if (client === 'no-url-elicitation') return { action: 'answer-text' }
  // An instance that did not see the handshake can neither ask nor receive an answer, and a client without URL mode is sent no more.
  if (client === 'unknown' || client === 'url-error') return { action: 'answer-url-required', notifyCompletion: false }
  if (failFast) return { action: 'answer-url-required', notifyCompletion: true }
  const waitSeconds = progress ? tokenTimeoutSeconds : Math.min(tokenTimeoutSeconds, UNHEARD_WAIT_SECONDS)
  return { action: 'ask-and-wait', waitSeconds, keepAlive: progress }
}

/** The facts about one leg of a repeated call whose credential is missing. */
export interface LegFacts {
  /** The round that the call's own valid state names. Undefined without one. */
  readonly round: number | undefined
  readonly answer: ClientAnswer | undefined
  readonly failFast: boolean
  readonly tokenTimeoutSeconds: number
}

export type LegDecision =
  /** Ask, round 0. */
  | { readonly action: 'ask' }
  /** The user does not want to enter a credential. */
  | { readonly action: 'give-up'; readonly answer: 'decline' | 'cancel' }
  /** Wait for the form. Without `next`, no further round follows. */
  | { readonly action: 'hold'; readonly seconds: number; readonly next: number | undefined }

/** As long as a client without progress listens, less the time that some proxies take away. */
export const LEG_HOLD_SECONDS = 45
/** Clients stop after 10 rounds; the one that asks is another. */
const LAST_ROUND = 7

/** Decides how one leg is answered. Pure. */
export function decideLeg({ round, answer, failFast, tokenTimeoutSeconds }: LegFacts): LegDecision {
  if (round === undefined) return { action: 'ask' }
  if (answer === 'decline' || answer === 'cancel') return { action: 'give-up', answer }
  if (round === 0 && answer !== 'accept') return { action: 'ask' }
  if (failFast) return { action: 'hold', seconds: 0, next: round === 0 ? 1 : undefined }
  const left = tokenTimeoutSeconds - round * LEG_HOLD_SECONDS
  const seconds = Math.max(0, Math.min(LEG_HOLD_SECONDS, left))
  return { action: 'hold', seconds, next: round < LAST_ROUND && left > LEG_HOLD_SECONDS ? round + 1 : undefined }
}
