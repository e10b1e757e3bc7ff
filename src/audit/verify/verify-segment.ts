import type { KeyObject } from 'node:crypto'
import { NO_LINK } from '../line/audit-chain.ts'
import { isSignedBy } from '../line/audit-keys.ts'
import { isKnownType } from '../line/event-catalogue.ts'
import { MAX_LINE_BYTES, readSealedLine, type SealedLine } from '../line/sealed-line.ts'
import { type RawLine, segmentLines } from '../segments/segment-lines.ts'
import { type Finding, type FindingKind, finding } from './finding.ts'
import { type LogLine, readLogLine } from './log-line.ts'

/** Where a chain stands, as a verifier knows it. */
export interface VerifiedHead {
  readonly seq: number
  readonly hash: string
  /** What the next line must have as `prev`. */
  readonly link: string
}

export interface SegmentVerdict {
  readonly findings: readonly Finding[]
  /** What it follows: what was given, or what its first line says of itself. */
  readonly before: VerifiedHead
  /** Of the last line that is vouched for; what it began with where there is none. */
  readonly head: VerifiedHead
  readonly lines: number
  readonly firstSeq: number | undefined
  readonly firstAt: string | undefined
  readonly lastAt: string | undefined
  /** Lines and bytes after the last signature. */
  readonly unsigned: { readonly lines: number; readonly bytes: number }
  /** What the log says of itself in the lines that are vouched for. */
  readonly events: readonly LogLine[]
}

/** Of one kind in one file; a broken file would otherwise fill the report. */
const MOST_OF_A_KIND = 5
/** Milliseconds that a line may have waited for the disk while the log wrote one of its own. */
const WAITED = 5_000

/**
 * Verifies one file against where its chain stood before; without that, from what its first line says. The last signature vouches for every line before it, since each is linked to
 * the next; only where that fails are the others looked at, to find the place.
 */
export function verifySegment(
  path: string,
  {
    file,
    writer,
    before: given,
    keys,
  }: { file: string; writer: string; before: VerifiedHead | undefined; keys: readonly KeyObject[] },
): SegmentVerdict {
  const report = createReport(file)
  let before = given
  let expected = given
  let vouched: { head: VerifiedHead; lines: number; events: number } | undefined
  let lastSigned: SealedLine | undefined
  let lastSignedAt: RawLine | undefined
  let lines = 0
  let end = 0
  let vouchedEnd = 0
  let firstSeq: number | undefined
  let firstAt: string | undefined
  let lastAt: string | undefined
  const events: LogLine[] = []

  for (const raw of segmentLines(path)) {
    end = raw.offset + raw.length + (raw.ended ? 1 : 0)
    const line = raw.length > MAX_LINE_BYTES ? undefined : readSealedLine(raw.bytes)
    if (!raw.ended && raw.length <= MAX_LINE_BYTES) {
      // A write that was cut off: nobody was told of its lines.
      break
    }
    if (!line) {
      const long = raw.length > MAX_LINE_BYTES
      report(
        long ? 'line_too_long' : 'line_malformed',
        long ? 'longer than any line of the log' : 'not a line of the log',
        raw,
      )
      continue
    }
    before ??= { seq: line.seq - 1, hash: '', link: line.prev }
    expected ??= before
    if (!line.isGenuine) report('line_changed', 'its bytes do not fit its hash', raw)
    else if (line.writer !== writer) report('segment_foreign', 'the line is of another writer than the file', raw)
    else if (line.seq !== expected.seq + 1 || line.prev !== expected.link)
      report('chain_broken', `line ${expected.seq + 1} should follow, and ${line.seq} does`, raw)
    // From here on as it says, to find what else is wrong.
    expected = { seq: line.seq, hash: line.hash, link: line.link }
    lines += 1
    firstSeq ??= line.seq
    firstAt ??= line.at
    if (lastAt !== undefined && line.at < lastAt && Date.parse(lastAt) - Date.parse(line.at) > WAITED)
      report('clock_backwards', `from ${lastAt} to ${line.at}`, raw)
    lastAt = line.at
    if (!isKnownType(line.type)) report('unknown_type', 'of a type that this version does not know', raw)
    const event = readLogLine(line.type, raw.bytes)
    if (event) events.push(event)
    if (line.signature === '' && LAST_LINES.includes(line.type))
      report('signature_invalid', 'a last line without one', raw)
    if (line.signature === '' || !line.isGenuine) continue
    lastSigned = line
    lastSignedAt = { ...raw, bytes: EMPTY }
    vouched = { head: expected, lines, events: events.length }
    vouchedEnd = end
  }

  const isVouched = !lastSigned || isSignedBy(keys, lastSigned.hash, lastSigned.signature)
  if (lastSignedAt && !isVouched) reportForgery(path, keys, report, lastSignedAt)
  return {
    findings: report.findings,
    before: before ?? NOTHING,
    head: vouched?.head ?? before ?? NOTHING,
    lines: vouched?.lines ?? 0,
    firstSeq,
    firstAt,
    lastAt,
    unsigned: { lines: lines - (vouched?.lines ?? 0), bytes: end - vouchedEnd },
    events: isVouched ? events.slice(0, vouched?.events ?? 0) : [],
  }
}

/** The first signature that does not hold; all of them when the log was signed with another key. */
function reportForgery(path: string, keys: readonly KeyObject[], report: Report, last: RawLine): void {
  let good = 0
  for (const raw of segmentLines(path)) {
    const line = readSealedLine(raw.bytes)
    if (!line?.isGenuine || line.signature === '') continue
    if (isSignedBy(keys, line.hash, line.signature)) {
      good += 1
      continue
    }
    if (good === 0) report('signature_unknown_key', 'no signature in the file is of a key that was given', raw)
    else report('signature_invalid', 'the signature is of none of the keys', raw)
    return
  }
  report('signature_invalid', 'the signature is of none of the keys', last)
}

const EMPTY = Buffer.alloc(0)
const NOTHING: VerifiedHead = { seq: 0, hash: '', link: NO_LINK }
/** Written at the end of a batch, and so always signed. */
const LAST_LINES: readonly string[] = ['audit.closed', 'audit.segment_closed']

interface Report {
  (kind: FindingKind, detail: string, raw: Pick<RawLine, 'number' | 'offset'>): void
  readonly findings: readonly Finding[]
}

function createReport(file: string): Report {
  const findings: Finding[] = []
  const counts = new Map<FindingKind, number>()
  return Object.assign(
    (kind: FindingKind, detail: string, { number, offset }: Pick<RawLine, 'number' | 'offset'>) => {
      const count = (counts.get(kind) ?? 0) + 1
      counts.set(kind, count)
      if (count <= MOST_OF_A_KIND) findings.push(finding(kind, detail, { file, line: number, offset }))
      else if (count === MOST_OF_A_KIND + 1)
        findings.push(finding(kind, 'and more of the same', { file, line: number, offset }))
    },
    { findings },
  )
}
