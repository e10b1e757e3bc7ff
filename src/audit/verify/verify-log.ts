import type { KeyObject } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { publicKeyText } from '../line/audit-keys.ts'
import { listSegments } from '../segments/segment-ends.ts'
import { parseSegmentName, type SegmentName } from '../segments/segment-name.ts'
import { readAnchors } from './anchor-lines.ts'
import { authorityOf, type Retirement } from './authority.ts'
import { type Explanations, explanationsOf } from './explanations.ts'
import { type Finding, finding } from './finding.ts'
import {
  launderedFile,
  missingKeys,
  namedKeys,
  notRetired,
  signedAfterRetirement,
  unseenCurrentKey,
} from './key-changes.ts'
import { checkKnownHeads, type KnownHead } from './known-heads.ts'
import { verifyWriter, type WriterVerdict } from './verify-writer.ts'

export interface VerifyOptions {
  readonly folder: string
  /** Public keys, the current one first. One of them must have made every signature. */
  readonly keys: readonly KeyObject[]
  /** Public key that the operator's environment signs with, if it is known. */
  readonly currentKey?: string | undefined
  /** Text that an anchor stored. */
  readonly anchors?: string | undefined
  /** Writers whose log may lack its end: known crashes, and processes that still write on other machines. `all` accepts every writer. */
  readonly acceptUnclosed?: ReadonlySet<string>
  /** Whether the writing process still runs. */
  readonly isRunning?: (opened: { readonly host: string; readonly pid: number; readonly at: string }) => boolean
}

export interface WriterReport {
  readonly writer: string
  readonly files: number
  readonly lines: number
  /** RFC 3339, of the first and the last line. */
  readonly first: string
  readonly last: string
  readonly state: 'closed' | 'open' | 'failed' | 'unclosed'
  /** Public key of its signatures, if it is known. */
  readonly key: string | undefined
}

export interface KeyReport {
  /** Public key, as `audit key` prints it. */
  readonly key: string
  readonly writers: number
  /** RFC 3339. Undefined while it may sign. */
  readonly retiredAt: string | undefined
}

/** Whether the lines are genuine and whether any are missing are separate results. */
export interface AuditReport {
  readonly integrity: 'intact' | 'tampered'
  readonly completeness: 'complete' | 'incomplete'
  /** RFC 3339. Files whose last line is older may have been removed. */
  readonly removedBefore: string | undefined
  readonly lines: number
  /** The keys that signed it. */
  readonly keys: readonly KeyReport[]
  readonly writers: readonly WriterReport[]
  readonly findings: readonly Finding[]
}

/** Verifies a whole folder without changing it. A log may be verified while it is written. */
export async function verifyLog(options: VerifyOptions): Promise<AuditReport> {
  const { folder, keys } = options
  const names = await listSegments(folder)
  const { writers, named, authority } = verifyWriters(folder, byWriter(names), keys)
  const { retirements } = authority
  const verdicts = [...writers.values()]
  const anchors = readAnchors(options.anchors ?? '', [...keys, ...named])
  const seen = [...headsSeenBy(verdicts), ...retirements.flatMap(({ heads }) => [...heads.values()]), ...anchors.heads]
  const explanations = explanationsOf(authority, writers, seen)
  const { failed, purged, laundered, removedBefore } = explanations
  const heads = unique([...seen, ...failed.values()], explanations)

  const findings = [
    ...verdicts.flatMap((verdict) => ownFindings(verdict, failed, options)),
    ...verdicts.flatMap((verdict) => gapFindings(verdict, explanations)),
    ...missingKeys(verdicts, named),
    ...unseenCurrentKey(verdicts, seen, authority),
    ...authority.findings,
    ...signedAfterRetirement(verdicts, retirements),
    ...laundered.map(launderedFile),
    ...anchors.findings,
    ...checkKnownHeads(folder, writers, heads, explanations.explain),
    ...verdicts.flatMap((verdict) => endFindings(verdict, failed, options)),
    ...purged.map(({ file }) => finding('segment_purged', 'it was removed for its age, as the log says', { file })),
    ...notRetired(verdicts, retirements, options.currentKey),
    ...(await unknownFiles(folder)),
  ]
  return {
    integrity: findings.some(({ severity }) => severity === 'tampered') ? 'tampered' : 'intact',
    completeness: findings.some(({ severity }) => severity === 'incomplete') ? 'incomplete' : 'complete',
    removedBefore,
    lines: verdicts.reduce((sum, verdict) => sum + lineCount(verdict), 0),
    keys: keysOf(verdicts, retirements),
    writers: verdicts.map((verdict) => reportOf(verdict, failed, options)),
    findings,
  }
}

/** Verifies with the given keys, and again the writers whose key is unknown with the keys that genuine lines name. */
function verifyWriters(folder: string, names: ReadonlyMap<string, readonly SegmentName[]>, keys: readonly KeyObject[]) {
  const writers = new Map([...names].map(([writer, own]) => [writer, verifyWriter(folder, writer, own, keys)]))
  const given = keys.map(publicKeyText)
  const authority = authorityOf([...writers.values()], given)
  const named = namedKeys(authority, given)
  if (named.length === 0) return { writers, named, authority }
  for (const [writer, { findings }] of writers)
    if (findings.some(({ kind }) => kind === 'signature_unknown_key'))
      writers.set(writer, verifyWriter(folder, writer, names.get(writer) ?? [], [...keys, ...named]))
  return { writers, named, authority: authorityOf([...writers.values()], given) }
}

/** Lists the ends of other chains that each writer found when it began. */
function headsSeenBy(verdicts: readonly WriterVerdict[]): readonly KnownHead[] {
  return verdicts.flatMap(({ writer, key = '', events }) =>
    events.flatMap((event) => {
      if (event.type !== 'audit.opened') return []
      const source = `writer ${writer}, when it began,`
      return event.heads.map((head) => ({ ...head, key: head.key ?? key, recordedBy: key, source }))
    }),
  )
}

function keysOf(verdicts: readonly WriterVerdict[], retirements: readonly Retirement[]): readonly KeyReport[] {
  const keys = new Map<string, number>()
  for (const { key } of verdicts) if (key !== undefined) keys.set(key, (keys.get(key) ?? 0) + 1)
  return [...keys].map(([key, count]) => {
    const retiredAt = retirements.find((one) => one.key === key)?.at
    return { key, writers: count, retiredAt }
  })
}

function byWriter(names: readonly SegmentName[]): ReadonlyMap<string, readonly SegmentName[]> {
  const groups = new Map<string, SegmentName[]>()
  for (const name of names) groups.set(name.writer, [...(groups.get(name.writer) ?? []), name])
  return groups
}

/** Keeps one record of each head: one that the log does not explain, if there is one. */
function unique(heads: readonly KnownHead[], { explain }: Explanations): readonly KnownHead[] {
  const ordered = [...heads.filter(explain), ...heads.filter((head) => !explain(head))]
  return [...new Map(ordered.map((head) => [`${head.writer} ${head.seq} ${head.hash}`, head])).values()]
}

function gapFindings(verdict: WriterVerdict, { explainGap }: Explanations): readonly Finding[] {
  return verdict.gaps
    .filter((gap) => !explainGap(verdict, gap))
    .map(({ fromPart, toPart }) => {
      const parts = fromPart === toPart ? `part ${fromPart}` : `parts ${fromPart} to ${toPart}`
      return finding('segment_missing', `${parts} of writer ${verdict.writer}'s log is missing`)
    })
}

/** Ignores the unsigned end of an open file: a batch gets its signature with its last line. */
function ownFindings(
  verdict: WriterVerdict,
  failed: ReadonlyMap<string, KnownHead>,
  options: VerifyOptions,
): readonly Finding[] {
  if (stateOf(verdict, failed, options) !== 'open') return verdict.findings
  const last = verdict.segments.at(-1)?.file
  return verdict.findings.filter(({ kind, file }) => kind !== 'tail_unsigned' || file !== last)
}

function stateOf(
  { isClosed, writer, events }: WriterVerdict,
  failed: ReadonlyMap<string, KnownHead>,
  { isRunning }: VerifyOptions,
): WriterReport['state'] {
  if (isClosed) return 'closed'
  if (failed.has(writer)) return 'failed'
  const opened = events.find(({ type }) => type === 'audit.opened')
  return opened?.type === 'audit.opened' && isRunning?.(opened) ? 'open' : 'unclosed'
}

function endFindings(
  verdict: WriterVerdict,
  failed: ReadonlyMap<string, KnownHead>,
  options: VerifyOptions,
): readonly Finding[] {
  // The end of a log with invalid signatures proves nothing.
  if (verdict.findings.some(({ kind }) => kind.startsWith('signature_'))) return []
  const state = stateOf(verdict, failed, options)
  const { writer } = verdict
  const last = verdict.segments.at(-1)
  const where = { file: last?.file ?? '' }
  // Nothing in it was acknowledged.
  if (state === 'unclosed' && lineCount(verdict) === 0)
    return [finding('nothing_signed', `writer ${writer} has not written a whole batch`, where)]
  if (state === 'open') return [finding('still_open', `writer ${writer} is still writing`, where)]
  if (state !== 'unclosed') return []
  if (options.acceptUnclosed?.has(writer) || options.acceptUnclosed?.has('all'))
    return [finding('still_open', `writer ${writer} has not closed its log, which is accepted`, where)]
  const at = last?.verdict.lastAt ?? 'its beginning'
  return [
    finding(
      'unclosed',
      `writer ${writer} ended without closing its log, at ${at}: its process was killed, or is not on this machine`,
      where,
    ),
  ]
}

function lineCount({ segments }: WriterVerdict): number {
  return segments.reduce((sum, { verdict }) => sum + verdict.lines, 0)
}

function reportOf(
  verdict: WriterVerdict,
  failed: ReadonlyMap<string, KnownHead>,
  options: VerifyOptions,
): WriterReport {
  const { writer, segments } = verdict
  return {
    writer,
    files: segments.length,
    lines: lineCount(verdict),
    first: segments[0]?.verdict.firstAt ?? '',
    last: segments.at(-1)?.verdict.lastAt ?? '',
    state: stateOf(verdict, failed, options),
    key: verdict.key,
  }
}

async function unknownFiles(folder: string): Promise<readonly Finding[]> {
  const names = await readdir(folder).catch(() => [])
  return names
    .filter((name) => !parseSegmentName(name))
    .map((file) => finding('unknown_file', 'a file that is not part of the log', { file }))
}
