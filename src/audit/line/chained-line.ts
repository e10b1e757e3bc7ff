import { linkAfter, sha256 } from './audit-chain.ts'

/** A line's place in the log, read from its bytes. */
export interface SealedLine {
  readonly writer: string
  /** RFC 3339, UTC. */
  readonly at: string
  readonly type: string
  readonly seq: number
  readonly prev: string
  readonly hash: string
  /** Empty in a line that does not end a batch. */
  readonly signature: string
  /** Value of `prev` in the next line. */
  readonly link: string
  /** Whether `hash` is the hash of these bytes. */
  readonly isGenuine: boolean
}

/** The log writes lines of a few kilobytes at most. */
export const MAX_LINE_BYTES = 64 * 1024

const HEAD = '{"v":1,"w":"'
const AFTER_WRITER = '","at":"'
const AFTER_AT = '","id":"'
const AFTER_ID = '","type":"'
const HASH = ',"hash":"'
const SIGNATURE = '","sig":"'
const PREV = ',"prev":"'
const SEQ = ',"seq":'
const END = '"}'
const DIGEST = 43
const UNSIGNED_END = HASH.length + DIGEST + END.length
const SIGNED_END = UNSIGNED_END + SIGNATURE.length + 86
const TYPE_AT = HEAD.length + 16 + AFTER_WRITER.length + 24 + AFTER_AT.length + 36 + AFTER_ID.length
const SHORTEST = TYPE_AT + SIGNED_END

/**
 * Reads a line, without its line end, at the offsets where the log writes each part. Only hashed bytes are parsed.
 *
 * @returns undefined for bytes that the log never writes
 */
export function readSealedLine(bytes: Buffer): SealedLine | undefined {
  const end = bytes.length
  if (end < TYPE_AT + UNSIGNED_END || end > MAX_LINE_BYTES) return undefined
  const head = bytes.toString('latin1', 0, Math.min(end, SHORTEST))
  if (!head.startsWith(HEAD) || bytes.toString('latin1', end - END.length) !== END) return undefined
  const tail = bytes.toString('latin1', Math.max(0, end - SIGNED_END), end)
  const isSigned = tail.startsWith(HASH) && tail.startsWith(SIGNATURE, HASH.length + DIGEST)
  const content = end - (isSigned ? SIGNED_END : UNSIGNED_END)
  const seal = isSigned ? tail : tail.slice(tail.length - UNSIGNED_END)
  if (!seal.startsWith(HASH)) return undefined
  const place = placeOf(bytes, content)
  const typeEnd = head.indexOf('"', TYPE_AT)
  if (!place || typeEnd < 0 || !head.startsWith(AFTER_ID, TYPE_AT - AFTER_ID.length)) return undefined
  const hash = seal.slice(HASH.length, HASH.length + DIGEST)
  const signature = isSigned ? seal.slice(HASH.length + DIGEST + SIGNATURE.length, -END.length) : ''
  const atStart = HEAD.length + 16 + AFTER_WRITER.length
  return {
    writer: head.slice(HEAD.length, HEAD.length + 16),
    at: head.slice(atStart, atStart + 24),
    type: head.slice(TYPE_AT, typeEnd),
    ...place,
    hash,
    signature,
    link: linkAfter(hash, signature),
    isGenuine: sha256(bytes.subarray(0, content)) === hash,
  }
}

/** Reads `,"seq":N,"prev":"…"` at the end of the hashed bytes. */
function placeOf(bytes: Buffer, content: number): Pick<SealedLine, 'seq' | 'prev'> | undefined {
  const prevAt = content - 1 - DIGEST
  // A number of at most 15 digits is exact.
  const text = bytes.toString('latin1', prevAt - PREV.length - SEQ.length - 15, content)
  const [, seq, prev] = PLACE.exec(text) ?? []
  return seq === undefined || prev === undefined ? undefined : { seq: Number(seq), prev }
}

const PLACE = /,"seq":([1-9]\d{0,14}),"prev":"([A-Za-z0-9_-]{43})"$/
