import { createHash } from 'node:crypto'
import type { AuditPosition } from '../../core/ports/audit-sink.ts'

/** The head of one writer's chain. */
export interface ChainHead extends AuditPosition {
  /** Value of `prev` in the next line: see {@link linkAfter}. */
  readonly link: string
  /** Hash of the last line; empty before the first. */
  readonly hash: string
  /** Signature of the last line: every batch ends with one. */
  readonly signature: string
}

export interface SealedBatch {
  readonly text: string
  readonly head: ChainHead
}

export const NO_LINK = 'A'.repeat(43)

export function newChain(writer: string): ChainHead {
  return { writer, seq: 0, link: NO_LINK, hash: '', signature: '' }
}

/**
 * Turns bodies into lines. Each gets its number, the link to the line before it and its hash; the last one gets a signature that covers
 * the whole batch.
 *
 * A line is `{"v":1,"w":WRITER` BODY `,"seq":N,"prev":LINK,"hash":HASH` and in the last `,"sig":SIGNATURE`, then `}`. HASH is SHA-256 of
 * the line's exact bytes before `,"hash":`, so that a verifier never has to rebuild the JSON. All three are in base64url.
 */
export function sealBatch(
  head: ChainHead,
  bodies: readonly string[],
  keys: { sign(hash: string): string },
): SealedBatch {
  const { writer } = head
  let { seq, link, hash, signature } = head
  let text = ''
  bodies.forEach((body, i) => {
    seq += 1
    const content = `{"v":1,"w":"${writer}"${body},"seq":${seq},"prev":"${link}"`
    hash = sha256(content)
    const isLast = i === bodies.length - 1
    signature = isLast ? keys.sign(hash) : ''
    link = linkAfter(hash, signature)
    text += `${content},"hash":"${hash}"${isLast ? `,"sig":"${signature}"` : ''}}\n`
  })
  return { text, head: { writer, seq, link, hash, signature } }
}

/** Returns the line's hash. For a signed line it is SHA-256 of hash and signature, so that the chain covers the signatures too. */
export function linkAfter(hash: string, signature: string): string {
  return signature === '' ? hash : sha256(hash + signature)
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('base64url')
}
