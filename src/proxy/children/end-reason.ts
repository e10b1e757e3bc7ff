/** Why a child has ended, for the audit log: `child.ended`. */
export type EndReason = (typeof END_REASONS)[number]

export const END_REASONS = [
  /** Nothing was sent or received for its idle time. */
  'idle',
  /** It reached its longest life. */
  'longest_life',
  /** Its credential has a newer version. */
  'rotated',
  /** Its credential was revoked. */
  'revoked',
  /** Its credential has expired, or lacks a field that is required now. */
  'expired',
  /** The service rejected its credential. */
  'rejected',
  /** Its owner was offboarded. */
  'offboarded',
  /** Its client's session ended. */
  'session_closed',
  /** It ended by itself. */
  'crashed',
  /** The proxy stops. */
  'proxy_closing',
  /** It was not ready within its start deadline. */
  'start_deadline',
  /** Its owner's children used more memory than they may. */
  'memory',
] as const

/** How a child ended. */
export interface ChildEnd {
  readonly reason: EndReason
  /** Null if a signal ended it. */
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** Lines of standard output that were no message. */
  readonly invalidLines: number
  /** Lines of standard error that were withheld because of a secret. */
  readonly withheldLines: number
  /** Processes that had left the child's process group, and were killed one by one. */
  readonly strays: number
}
