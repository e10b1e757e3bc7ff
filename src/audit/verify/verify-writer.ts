import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { NO_LINK } from '../line/audit-chain.ts'
import { isMissing } from '../segments/segment-ends.ts'
import type { SegmentName } from '../segments/segment-name.ts'
import { type Finding, finding } from './finding.ts'
import type { LogLine } from './log-line.ts'
import { type SegmentVerdict, type VerifiedHead, verifySegment } from './verify-segment.ts'

export interface VerifiedSegment {
  readonly file: string
  readonly part: number
  readonly verdict: SegmentVerdict
}

/** Missing parts of a chain; `before` is the head that the next part follows. */
export interface Gap {
  readonly fromPart: number
  readonly toPart: number
  readonly before: VerifiedHead
}

/** One writer's chain, across all its files. */
export interface WriterVerdict {
  readonly writer: string
  readonly segments: readonly VerifiedSegment[]
  readonly findings: readonly Finding[]
  readonly gaps: readonly Gap[]
  readonly head: VerifiedHead
  readonly events: readonly LogLine[]
  /** Public key of its signatures, if it is one of the given keys. */
  readonly key: string | undefined
  readonly isClosed: boolean
}

export function verifyWriter(
  folder: string,
  writer: string,
  names: readonly SegmentName[],
  keys: readonly KeyObject[],
): WriterVerdict {
  const findings: Finding[] = []
  const segments: VerifiedSegment[] = []
  const gaps: Gap[] = []
  let head: VerifiedHead = { seq: 0, hash: '', link: NO_LINK }
  let expectedPart = 1
  for (const part of [...new Set(names.map((name) => name.part))].sort((a, b) => a - b)) {
    const before = part === expectedPart ? head : undefined
    const candidates = names
      .filter((name) => name.part === part)
      .flatMap(({ file }) => {
        const verdict = verifyIfThere(join(folder, file), { file, writer, before, keys })
        return verdict ? [{ file, part, verdict }] : []
      })
      .filter(({ verdict }, _, all) => all.length === 1 || !isEmpty(verdict))
    const chosen = candidates.find(({ verdict }) => isSound(verdict)) ?? candidates[0]
    if (!chosen) continue
    if (!before) gaps.push({ fromPart: expectedPart, toPart: part - 1, before: chosen.verdict.before })
    for (const { file } of candidates.filter((candidate) => candidate !== chosen))
      findings.push(finding('segment_forked', `it claims the same place in the log as ${chosen.file}`, { file }))
    findings.push(...chosen.verdict.findings, ...unsignedTail(chosen))
    segments.push(chosen)
    head = chosen.verdict.head
    expectedPart = part + 1
  }
  const events = segments.flatMap(({ verdict }) => verdict.events)
  const key = segments.find(({ verdict }) => verdict.signer !== undefined)?.verdict.signer
  findings.push(...otherKeys(segments, key))
  return { writer, segments, findings, gaps, head, events, key, isClosed: events.at(-1)?.type === 'audit.closed' }
}

/** A process signs its whole chain with one key. A file of the chain that is signed with another valid key is not its own. */
function otherKeys(segments: readonly VerifiedSegment[], key: string | undefined): readonly Finding[] {
  const [first] = segments
  const begunWith = first?.verdict.claimedKey ?? key
  return segments.flatMap(({ file, verdict: { signer } }) => {
    if (signer === undefined || signer === begunWith) return []
    const detail = `it is signed with key ${signer}, and its chain was begun with key ${begunWith}`
    return [finding('segment_other_key', detail, { file })]
  })
}

/** Returns undefined for a file that expired and was removed since the folder was listed. */
function verifyIfThere(path: string, options: Parameters<typeof verifySegment>[1]): SegmentVerdict | undefined {
  try {
    return verifySegment(path, options)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function isEmpty({ lines, unsigned, findings }: SegmentVerdict): boolean {
  return lines === 0 && unsigned.bytes === 0 && findings.length === 0
}

function isSound({ findings }: SegmentVerdict): boolean {
  return findings.every(({ severity }) => severity !== 'tampered')
}

function unsignedTail({ file, verdict: { unsigned } }: VerifiedSegment): readonly Finding[] {
  if (unsigned.bytes === 0) return []
  const detail = `${unsigned.lines} whole lines and ${unsigned.bytes} bytes at the end are not signed: a write that was cut off and never acknowledged, or a later addition`
  return [finding('tail_unsigned', detail, { file })]
}
