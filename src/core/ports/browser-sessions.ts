/**
 * Ends browser sessions before their sealed cookie expires. It stores ended session ids and a not-before time for each owner, until no
 * cookie can be affected any more. Times are Unix milliseconds. Errors: `unavailable`; the session is then refused.
 *
 * Used logins are stored apart from sessions, because strangers can use up as many as they like.
 */
export interface BrowserSessions {
  /** Connects, and refuses a store that must not be used. Called once, before the other methods. Absent where there is nothing to open. */
  open?(): Promise<void>
  /** Refuses this session from now on. `until` is the time at which its cookie expires. */
  end(sessionId: string, until: number): Promise<void>
  /** Refuses every session of the owner that began before `notBefore`. `owner` is a keyed hash. */
  endAll(owner: string, notBefore: number, until: number): Promise<void>
  /**
   * Whether the session must be refused. A store that keeps nothing across a restart also refuses every session that began before its own
   * start, because it cannot know which of those were ended.
   */
  isEnded(session: { readonly id: string; readonly owner: string; readonly startedAt: number }): Promise<boolean>
  /** Refuses this login from now on, because its answer has arrived. `until` is the time at which its cookie expires. */
  useLogin(loginId: string, until: number): Promise<void>
  /** Whether the login must be refused: it was used, or it began before the start of a memory store, as with {@link isEnded}. */
  isLoginUsed(login: { readonly id: string; readonly startedAt: number }): Promise<boolean>
  /** Gives up the connection. Absent where there is none. */
  close?(): Promise<void>
}
