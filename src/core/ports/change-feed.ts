/**
 * Carries messages between the replicas of one server, so that each drops what it has cached when another changes it. Messages are sealed
 * before they reach it. They may be lost: a cache also ends by itself.
 */
export interface ChangeFeed {
  readonly name: string
  /** Connects, and refuses a feed that must not be used. Called once, before the other methods. Absent where there is nothing to open. */
  open?(): Promise<void>
  /** Sends a message to every process that listens. Errors: `unavailable`. */
  publish(message: string): Promise<void>
  /**
   * Calls `onMessage` for every message from any process, this one included, and `onGap` when messages may have been lost. Resolves once
   * it listens. Errors: `unavailable`.
   */
  listen(onMessage: (message: string) => void, onGap: () => void): Promise<void>
  /** Gives up the connection. */
  close(): Promise<void>
}
