import { join } from 'node:path'
import { readSealedLine } from '../line/chained-line.ts'
import { segmentLines } from '../segments/segment-lines.ts'
import { type Finding, finding } from './finding.ts'
import type { WriterVerdict } from './verify-writer.ts'

/** How far a writer's log had come, with its hash, as an anchor or another chain recorded it. */
export interface KnownHead {
  readonly writer: string
  readonly seq: number
  readonly hash: string
  /** Time of the line, or when it was seen; RFC 3339. */
  readonly at: string
  /** Public key of that chain, as it was recorded. */
  readonly key: string
  /** Public key that signed the record. */
  readonly recordedBy: string
  /** Origin of this record, as a phrase for people. */
  readonly source: string
}

/**
 * Compares heads that were recorded elsewhere with the log. The chain stays valid when lines are cut off its end or a whole file is
 * removed; only this check detects it.
 *
 * @param explainedByLog whether the log itself says why the line is missing: its file expired, or its batch was never acknowledged
 */
export function checkKnownHeads(
  folder: string,
  writers: ReadonlyMap<string, WriterVerdict>,
  heads: readonly KnownHead[],
  explainedByLog: (head: KnownHead) => boolean,
): readonly Finding[] {
  const findings: Finding[] = []
  const within = new Map<WriterVerdict, KnownHead[]>()
  for (const head of heads) {
    const verdict = writers.get(head.writer)
    if (!verdict) {
      if (!explainedByLog(head))
        findings.push(finding('segment_missing', `the log of writer ${head.writer} is missing; ${head.source} saw it`))
      continue
    }
    const file = verdict.segments.at(-1)?.file ?? ''
    if (head.seq === 0) continue
    if (head.seq > verdict.head.seq) {
      if (explainedByLog(head)) continue
      const detail = `it ends with line ${verdict.head.seq}, and ${head.source} saw line ${head.seq}`
      findings.push(finding('tail_cut', detail, { file }))
    } else if (head.seq !== verdict.head.seq) {
      within.set(verdict, [...(within.get(verdict) ?? []), head])
    } else if (head.hash !== verdict.head.hash) findings.push(differs(head, file))
  }
  for (const [verdict, wanted] of within) findings.push(...checkWithin(folder, verdict, wanted))
  return findings
}

function checkWithin(folder: string, verdict: WriterVerdict, wanted: readonly KnownHead[]): readonly Finding[] {
  const findings: Finding[] = []
  for (const { file, verdict: segment } of verdict.segments) {
    const here = wanted.filter(
      ({ seq }) => seq >= (segment.firstSeq ?? Number.POSITIVE_INFINITY) && seq <= segment.head.seq,
    )
    if (here.length === 0) continue
    const hashes = new Map(here.map(({ seq }) => [seq, '']))
    for (const { bytes } of segmentLines(join(folder, file))) {
      const line = readSealedLine(bytes)
      if (line && hashes.has(line.seq)) hashes.set(line.seq, line.hash)
    }
    for (const head of here) if (hashes.get(head.seq) !== head.hash) findings.push(differs(head, file))
  }
  return findings
}

function differs({ source, seq }: KnownHead, file: string): Finding {
  return finding('head_differs', `${source} saw another line ${seq} than the one that is there`, { file })
}
