/** What a client is asked to show: a page, by URL-mode elicitation (MCP 2025-11-25 and 2026-07-28, elicitation). */
export interface UrlQuestion {
  readonly message: string
  readonly url: string
  readonly elicitationId: string
}

/** `accept` is consent to open the page, and not its completion. `failed`: the client could not show the question. */
export type ClientAnswer = 'accept' | 'decline' | 'cancel' | 'failed'

/**
 * The MCP client of one tool call, as far as the gate speaks with it. An adapter of an SDK implements it, and so does the proxy. Nothing
 * in it depends on a protocol era's types.
 */
export interface ClientPort {
  /** As the client calls itself; unverified. */
  readonly name: string | undefined
  /** What the client declared; `unknown` when this server instance never saw its handshake, as on a stateless mount. */
  readonly ability: 'url-elicitation' | 'no-url-elicitation' | 'unknown'
  /** Aborts when the client cancels the call or is gone. */
  readonly signal: AbortSignal
  /**
   * Sends one progress notification of the call; undefined when the client did not ask for any. `progress` rises with each.
   */
  readonly progress: ((progress: number, message: string) => Promise<void>) | undefined
  /** Asks on the call's own stream. `waitMilliseconds`: how long the client may take. Aborting `signal` withdraws the question. */
  askByUrl(
    question: UrlQuestion,
    options: { readonly waitMilliseconds: number; readonly signal: AbortSignal },
  ): Promise<ClientAnswer>
  /** Tells the client that the page of this question is done: on the call's stream, or on the session's own after the call was answered. */
  notifyDone(elicitationId: string, stream: 'call' | 'session'): Promise<void>
}
