import type { ChainHead } from './audit-chain.ts'

/**
 * Says, outside the log, how far a log had come. Whoever keeps it can later tell whether lines were cut off the end, which a chain alone
 * never shows. `sig` is the signature of that very line.
 */
export interface AuditCheckpoint {
  readonly type: 'audit.checkpoint'
  /** RFC 3339, UTC. */
  readonly at: string
  readonly writer: string
  readonly seq: number
  /** `hash` of the line with that number. */
  readonly head: string
  readonly sig: string
  /** Public key of the signature. */
  readonly key: string
}

/** Where checkpoints go. Never waited for: an anchor that hangs must not hold up a tool call. */
export interface AuditAnchor {
  publish(checkpoint: AuditCheckpoint): void
  /** Tries for a few seconds to be rid of what is still waiting. */
  close(): Promise<void>
}

export function checkpointOf({ writer, seq, hash, signature }: ChainHead, key: string, at: Date): AuditCheckpoint {
  return { type: 'audit.checkpoint', at: at.toISOString(), writer, seq, head: hash, sig: signature, key }
}
