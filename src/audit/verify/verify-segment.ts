import type { KeyObject } from 'node:crypto'
import { NO_LINK } from '../line/audit-chain.ts'
import { publicKeyText, signerOf } from '../line/audit-keys.ts'
import { MAX_LINE_BYTES, readSealedLine, type SealedLine } from '../line/chained-line.ts'
import { isKnownType } from '../line/event-catalogue.ts'
import { type RawLine, segmentLines } from '../segments/segment-lines.ts'
import { type Finding, type FindingKind, finding } from './finding.ts'
import { type LogLine, readLogLine } from './log-line.ts'

/** The head of a chain, as far as a verifier has read. */
export interface VerifiedHead {
  readonly seq: number
  readonly hash: string
  /** Required value of `prev` in the next line. */
  readonly link: string
}

export interface SegmentVerdict {
  readonly findings: readonly Finding[]
  /** The head that it follows: the given one, or the one that its first line names. */
  readonly before: VerifiedHead
  /** Head of the last line that a signature covers; `before` when there is none. */
  readonly head: VerifiedHead
  readonly lines: number
  readonly firstSeq: number | undefined
  readonly firstAt: string | undefined
  readonly lastAt: string | undefined
  /** Lines and bytes after the last signature. */
  readonly unsigned: { readonly lines: number; readonly bytes: number }
  /** Public key of the last signature, if it is one of the given keys. */
  readonly signer: string | undefined
  /** Public key that the chain's first line names, signed or not. */
  readonly claimedKey: string | undefined
  /** The log's lines about itself, as far as a signature covers them. */
  readonly events: readonly LogLine[]
}

/** Findings of one kind per file, so that a broken file does not fill the report. */
const MOST_OF_A_KIND = 5
/** Milliseconds that a line may have waited for the disk while the log wrote a line about itself. */
const WAITED = 5_000

/**
 * Verifies one file against the head of its chain, or against what its first line says when that is unknown. The last signature covers
 * every line before it, since the lines are linked. The other signatures are checked only when it is invalid, to find the place.
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
  const state: State = { before: given, expected: given, signed: undefined, lines: 0, events: [] }
  let end = 0
  for (const raw of segmentLines(path)) {
    end = raw.offset + raw.length + (raw.ended ? 1 : 0)
    const isTooLong = raw.length > MAX_LINE_BYTES
    // A write was interrupted: its lines were never acknowledged.
    if (!raw.ended && !isTooLong) break
    const line = isTooLong ? undefined : readSealedLine(raw.bytes)
    if (line) takeLine(state, report, { line, raw, end, writer })
    else if (isTooLong) report('line_too_long', 'longer than any line of the log', raw)
    else report('line_malformed', 'not a line of the log', raw)
  }
  return verdictOf(state, report, { path, keys, end })
}

interface ReadFile {
  readonly path: string
  readonly keys: readonly KeyObject[]
  /** Bytes that were read. */
  readonly end: number
}

function verdictOf(state: State, report: Report, { path, keys, end }: ReadFile): SegmentVerdict {
  const { before = NOTHING, signed, events } = state
  const signer = signed && signerOf(keys, signed.line.hash, signed.line.signature)
  const isGood = !signed || signer !== undefined
  if (signed && !isGood) reportForgery(path, keys, report, signed.raw)
  const known = signed ?? { head: before, lines: 0, events: 0, end: 0 }
  return {
    findings: report.findings,
    before,
    head: known.head,
    lines: known.lines,
    firstSeq: state.first?.seq,
    firstAt: state.first?.at,
    lastAt: state.last?.at,
    unsigned: { lines: state.lines - known.lines, bytes: end - known.end },
    signer: signer && publicKeyText(signer),
    claimedKey: events.flatMap((event) => (event.type === 'audit.opened' ? [event.key] : []))[0],
    events: isGood ? events.slice(0, known.events) : [],
  }
}

/** The progress of one file's verification. */
interface State {
  before: VerifiedHead | undefined
  /** The head that the next line has to follow. */
  expected: VerifiedHead | undefined
  signed: SignedLine | undefined
  lines: number
  first?: SealedLine
  last?: SealedLine
  readonly events: LogLine[]
}

interface FoundLine {
  readonly line: SealedLine
  readonly raw: RawLine
  /** Bytes of the file up to the end of this line. */
  readonly end: number
  /** The writer in the file's name. */
  readonly writer: string
}

function takeLine(state: State, report: Report, { line, raw, end, writer }: FoundLine): void {
  state.before ??= { seq: line.seq - 1, hash: '', link: line.prev }
  reportChain(report, line, { writer, expected: state.expected ?? state.before, raw })
  reportContent(report, line, { lastAt: state.last?.at, raw })
  // Continue from what the line says, to find further faults.
  const head = { seq: line.seq, hash: line.hash, link: line.link }
  state.expected = head
  state.lines += 1
  state.first ??= line
  state.last = line
  const event = readLogLine(line.type, raw.bytes)
  if (event) state.events.push(event)
  if (line.signature === '' || !line.isGenuine) return
  const { lines, events } = state
  state.signed = { line, raw: { ...raw, bytes: EMPTY }, head, lines, events: events.length, end }
}

/** The last signed line, with the counts of the file up to it. */
interface SignedLine {
  readonly line: SealedLine
  readonly raw: RawLine
  readonly head: VerifiedHead
  readonly lines: number
  readonly events: number
  readonly end: number
}

/** Checks the line's hash and its place in the chain. */
function reportChain(
  report: Report,
  line: SealedLine,
  { writer, expected, raw }: { readonly writer: string; readonly expected: VerifiedHead; readonly raw: RawLine },
): void {
  if (!line.isGenuine) report('line_changed', 'its bytes do not fit its hash', raw)
  else if (line.writer !== writer) report('segment_foreign', 'the line is of another writer than the file', raw)
  else if (line.seq !== expected.seq + 1 || line.prev !== expected.link)
    report('chain_broken', `line ${expected.seq + 1} should follow, and ${line.seq} does`, raw)
}

/** Checks the line's time and type, and that a last line is signed. */
function reportContent(
  report: Report,
  line: SealedLine,
  { lastAt, raw }: { readonly lastAt: string | undefined; readonly raw: RawLine },
): void {
  if (lastAt !== undefined && line.at < lastAt && Date.parse(lastAt) - Date.parse(line.at) > WAITED)
    report('clock_backwards', `from ${lastAt} to ${line.at}`, raw)
  if (!isKnownType(line.type)) report('unknown_type', 'of a type that this version does not know', raw)
  if (line.signature === '' && LAST_LINES.includes(line.type))
    report('signature_invalid', 'a last line without one', raw)
}

/** Reports the first invalid signature, or that the whole file was signed with another key. */
function reportForgery(path: string, keys: readonly KeyObject[], report: Report, last: RawLine): void {
  let good = 0
  for (const raw of segmentLines(path)) {
    const line = readSealedLine(raw.bytes)
    if (!line?.isGenuine || line.signature === '') continue
    if (signerOf(keys, line.hash, line.signature)) {
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
