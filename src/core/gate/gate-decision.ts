import type { CredentialState } from '../model/credential-state.ts'
import type { ClientPort } from './client-port.ts'

/** The facts that the gate has when a call arrives. */
export interface GateFacts {
  readonly client: ClientPort['ability']
  /** State of the verified owner's credential. Calls without an owner, or whose credential cannot be looked up, are refused earlier. */
  readonly credential: CredentialState
  /** Whether the client accepts progress, which keeps its own timeout from ending the call. */
  readonly progress: boolean
  /** Whether the tool answers at once instead of waiting for its user. */
  readonly failFast: boolean
  /** Longest wait for the user, in seconds. */
  readonly tokenTimeoutSeconds: number
}

export type GateDecision =
  | { readonly action: 'run' }
  /** Ask by URL elicitation, then wait for the form; after `waitSeconds` answer with text and link. */
  | { readonly action: 'ask-and-wait'; readonly waitSeconds: number; readonly keepAlive: boolean }
  /** JSON-RPC error -32042 with the link. `notifyCompletion`: tell the client when the form is saved. */
  | { readonly action: 'answer-url-required'; readonly notifyCompletion: boolean }
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

function decideAsking({ client, failFast, progress, tokenTimeoutSeconds }: GateFacts): GateDecision {
  if (client === 'no-url-elicitation') return { action: 'answer-text' }
  // An instance that did not see the handshake can neither ask nor receive an answer.
  if (client === 'unknown') return { action: 'answer-url-required', notifyCompletion: false }
  if (failFast) return { action: 'answer-url-required', notifyCompletion: true }
  const waitSeconds = progress ? tokenTimeoutSeconds : Math.min(tokenTimeoutSeconds, UNHEARD_WAIT_SECONDS)
  return { action: 'ask-and-wait', waitSeconds, keepAlive: progress }
}
