import { type Finding, finding } from './finding.ts'
import type { KnownHead } from './known-heads.ts'
import type { LogLine } from './log-line.ts'
import type { WriterVerdict } from './verify-writer.ts'

/** A line that the log wrote about itself, and the public key that signed it. */
export interface SignedLogLine {
  readonly by: string
  readonly writer: string
  readonly line: LogLine
}

/** A retired public key, and where its chains ended at that time. */
export interface Retirement {
  readonly key: string
  /** RFC 3339. */
  readonly at: string
  readonly heads: ReadonlyMap<string, KnownHead>
}

/**
 * Which statements of the log count, by the key that signed them. The current key is given first, from outside the log, and nothing in the
 * log outranks it. A given key counts until a key before it retires it; of its lines, the ones up to the recorded ends still count. Lines
 * of a key that was not given never count.
 */
export interface Authority {
  readonly current: string | undefined
  readonly retirements: readonly Retirement[]
  /** The lines that count: they may explain missing lines, retire keys and name keys. */
  readonly lines: readonly SignedLogLine[]
  readonly findings: readonly Finding[]
  /** Whether a line of this key, if it counts, may say that this head was removed for its age. */
  mayExcuse(by: string, head: Pick<KnownHead, 'key' | 'recordedBy'>): boolean
}

export function authorityOf(verdicts: readonly WriterVerdict[], given: readonly string[]): Authority {
  const [current] = given
  const lines = signedLines(verdicts)
  const retirements = new Map<string, Retirement>()
  const counts = ({ by, writer, line }: SignedLogLine) => {
    const retirement = retirements.get(by)
    return given.includes(by) && (!retirement || line.seq <= (retirement.heads.get(writer)?.seq ?? 0))
  }
  for (const by of given) {
    const own = lines.filter((line) => line.by === by && counts(line))
    for (const retirement of retirementsIn(own))
      if (retirement.key !== current && !retirements.has(retirement.key)) retirements.set(retirement.key, retirement)
  }
  return {
    current,
    retirements: [...retirements.values()],
    lines: lines.filter(counts),
    findings: disputes(lines, given),
    mayExcuse: (by, { key, recordedBy }) => by === current || (key !== current && (by === key || by === recordedBy)),
  }
}

function signedLines(verdicts: readonly WriterVerdict[]): readonly SignedLogLine[] {
  return verdicts.flatMap(({ writer, segments }) =>
    segments.flatMap(({ verdict: { signer, events } }) =>
      signer === undefined ? [] : events.map((line) => ({ by: signer, writer, line })),
    ),
  )
}

/** Reports the given keys that retire the current one: a stolen key does, and a current key that was not given first. */
function disputes(lines: readonly SignedLogLine[], [current, ...others]: readonly string[]): readonly Finding[] {
  const retires = ({ line }: SignedLogLine) => line.type === 'audit.key_retired' && line.key === current
  return others
    .filter((key) => key !== current && lines.some((line) => line.by === key && retires(line)))
    .map((key) => {
      const detail = `key ${key} retires ${current}, the key given first. If ${key} is the current key, give it first; otherwise it was stolen`
      return finding('key_retired', detail)
    })
}

/** Collects the retirements in lines of one key. The chain with the earliest line counts; a key cannot retire itself. */
function retirementsIn(lines: readonly SignedLogLine[]): readonly Retirement[] {
  const first = new Map<string, Retirement>()
  for (const { by, writer, line } of lines) {
    if (line.type !== 'audit.key_retired' || line.key === by) continue
    const known = first.get(line.key)
    if (known && known.at <= line.at) continue
    const same = lines.filter((other) => other.writer === writer)
    first.set(line.key, { key: line.key, at: line.at, heads: headsOf(line.key, same) })
  }
  return [...first.values()]
}

function headsOf(key: string, lines: readonly SignedLogLine[]): ReadonlyMap<string, KnownHead> {
  const heads = lines.flatMap(({ by, writer, line }) => {
    if (line.type !== 'audit.key_retired' || line.key !== key) return []
    const source = `writer ${writer}, when the key was retired,`
    return line.heads.map((head) => ({ ...head, key, recordedBy: by, source }))
  })
  return new Map(heads.map((head) => [head.writer, head]))
}
