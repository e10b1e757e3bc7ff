import type { ChainHead } from '../line/audit-chain.ts'
import type { AuditKeys } from '../line/audit-keys.ts'

/**
 * Says, outside the log, how far a log had come. Whoever keeps it can later tell whether lines were cut off the end, which a chain alone
 * never shows. */
export interface AuditCheckpoint {
  readonly type: 'audit.checkpoint'
  /** RFC 3339, UTC. */
  readonly at: string
  readonly writer: string
  readonly seq: number
  /** `hash` of the line with that number. */
  readonly head: string
  /** Ed25519 over {@link checkpointText}. */
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

/** The signed text of a checkpoint, which covers all its members. */
export function checkpointText({
  at,
  writer,
  seq,
  head,
}: Pick<AuditCheckpoint, 'at' | 'writer' | 'seq' | 'head'>): string {
  return JSON.stringify([at, writer, seq, head])
}

export function checkpointOf({ writer, seq, hash }: ChainHead, keys: AuditKeys, now: Date): AuditCheckpoint {
  const said = { at: now.toISOString(), writer, seq, head: hash }
  return { type: 'audit.checkpoint', ...said, sig: keys.signCheckpoint(checkpointText(said)), key: keys.publicKey }
}
