import type { ChainHead } from '../line/audit-chain.ts'
import type { AuditKeys } from '../line/audit-keys.ts'

/**
 * Records outside the log how far it had come. An auditor compares it with the log later: a chain alone never shows that lines were cut
 * off its end.
 */
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

/** Stores checkpoints outside the log. The log never waits for it, so that an anchor that hangs cannot delay a tool call. */
export interface AuditAnchor {
  publish(checkpoint: AuditCheckpoint): void
  /** Tries for a few seconds to send the checkpoints that are still waiting. */
  close(): Promise<void>
}

/** Returns the text that is signed. It holds everything that the checkpoint says. */
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
