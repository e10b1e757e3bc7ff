import type { TraceContext } from '../ports/telemetry.ts'

/** A URL-mode elicitation (MCP 2025-11-25 and 2026-07-28, elicitation). */
export interface UrlQuestion {
  readonly message: string
  readonly url: string
  readonly elicitationId: string
}

/** `accept` is consent to open the page, not its completion. `failed` means that the client could not show the question. */
export type ClientAnswer = 'accept' | 'decline' | 'cancel' | 'failed'

/**
 * The MCP client of one tool call, as the gate uses it. Adapters of SDKs implement it. Its types belong to no version of the protocol.
 */
export interface ClientPort {
  /** The client's own name, which is not verified. */
  readonly name: string | undefined
  /**
   * The declared capability. `unknown` if this server instance did not see the handshake, as on a stateless mount. `url-error`: it declared
   * no URL mode, but the operator lists it as a client that handles error -32042.
   */
  readonly ability: 'url-elicitation' | 'no-url-elicitation' | 'url-error' | 'unknown'
  /** Aborts when the client cancels the call or is gone. */
  readonly signal: AbortSignal
  /** Where the call belongs in a trace. Default: nowhere. */
  readonly trace?: TraceContext | undefined
  /**
   * Sends one progress notification of the call. `progress` rises with each. Undefined if the client asked for none.
   */
  readonly progress: ((progress: number, message: string) => Promise<void>) | undefined
  /** Set where the server asks by its result and the client repeats the call. `askByUrl` and `notifyDone` are then not used. */
  readonly leg?: CallLeg | undefined
  /** Asks on the call's own stream. The client has `waitMilliseconds` to answer. Aborting `signal` withdraws the question. */
  askByUrl(
    question: UrlQuestion,
    options: { readonly waitMilliseconds: number; readonly signal: AbortSignal },
  ): Promise<ClientAnswer>
  /** Notifies the client that the page is done: on the call's stream, or on the session's stream after the call was answered. */
  notifyDone(elicitationId: string, stream: 'call' | 'session'): Promise<void>
}

/** One leg of a call that its client repeats until it has a result (MCP 2026-07-28, multi round-trip requests). */
export interface CallLeg {
  /** The state that the client sent back. It may be anything. */
  readonly state: string | undefined
  /** Returns the client's answer to the question with this key, or undefined if this leg has none. */
  answerTo(key: string): ClientAnswer | undefined
}

/** The questions that one connection's client shows, so that calls in parallel show a link once. */
export interface OpenQuestions {
  /**
   * Asks, unless another call has asked for the same link and still waits: its answer is then this call's as well. Asks after all if the
   * other call ends before its user has answered.
   *
   * @param signal aborts when this call no longer waits
   */
  ask(url: string, signal: AbortSignal, ask: () => Promise<ClientAnswer>): Promise<ClientAnswer>
}
