import type { KeyObject } from 'node:crypto'
import { importPublicKey, publicKeyText } from '../line/audit-keys.ts'
import { parseSegmentName } from '../segments/segment-name.ts'
import type { Authority, Retirement } from './authority.ts'
import { type Finding, finding } from './finding.ts'
import type { KnownHead } from './known-heads.ts'
import type { LogLine } from './log-line.ts'
import type { WriterVerdict } from './verify-writer.ts'

/** Returns the keys that lines name and that were not given themselves. */
export function namedKeys({ lines }: Authority, given: readonly string[]): readonly KeyObject[] {
  const named = lines.flatMap(({ line }) => keysNamedBy(line)).filter((key) => !given.includes(key))
  return [...new Set(named)].flatMap((key) => importPublicKey(key) ?? [])
}

function keysNamedBy(event: LogLine): readonly string[] {
  if (event.type === 'audit.opened') return event.acceptedKeys ?? []
  return event.type === 'audit.key_retired' ? [event.key] : []
}

/** Reports the files whose key only the log itself names. An operator has to confirm that key, because nothing outside the log does. */
export function missingKeys(verdicts: readonly WriterVerdict[], named: readonly KeyObject[]): readonly Finding[] {
  const texts = new Set(named.map(publicKeyText))
  return verdicts.flatMap(({ segments }) =>
    segments.flatMap(({ file, verdict: { signer } }) => {
      if (signer === undefined || !texts.has(signer)) return []
      const detail = `it is signed with key ${signer}, which the log names and which was not given. If that was your key: --key ${signer}`
      return [finding('key_missing', detail, { file })]
    }),
  )
}

/** Reports what a retired key signed after its retirement. */
export function signedAfterRetirement(
  verdicts: readonly WriterVerdict[],
  retirements: readonly Retirement[],
): readonly Finding[] {
  return retirements.flatMap(({ key, at, heads }) =>
    verdicts.flatMap(({ writer, segments, head }) => {
      const signed = segments.filter(({ verdict }) => verdict.signer === key)
      const file = signed.at(-1)?.file
      if (file === undefined) return []
      const end = heads.get(writer)
      if (end && head.seq <= end.seq) return []
      const where = end ? `lines after line ${end.seq}` : 'a log that did not exist then'
      return [finding('key_retired', `key ${key} was retired at ${at}, and signs ${where}`, { file })]
    }),
  )
}

/** A file that was removed for its age, as the log says. */
export type Purge = Extract<LogLine, { readonly type: 'audit.segment_purged' }>

/**
 * Whether a removed file was signed with a retired key after its retirement. A thief of that key can sign a file that looks old, in the
 * name of another writer. When retention removes it, that line must not excuse that the true file is missing.
 */
export function isLaundered({ file, last, key, at }: Purge, by: string, retirements: readonly Retirement[]): boolean {
  const retirement = retirements.find((one) => one.key === key)
  // The retirement does not list files that were removed before it. Lines of the key itself that count are older than that.
  if (!retirement || by === key || at < retirement.at) return false
  const end = retirement.heads.get(parseSegmentName(file)?.writer ?? '')
  return end === undefined || last > end.seq
}

export function launderedFile({ file, key = '' }: Purge): Finding {
  return finding('key_retired', `it was removed for its age, and the retired key ${key} had signed it`, { file })
}

/**
 * Reports that nothing shows a line of the current key. The folder alone does not tell whether that key was never used, or all its files
 * were removed, with the retirements of other keys.
 */
export function unseenCurrentKey(
  verdicts: readonly WriterVerdict[],
  recorded: readonly KnownHead[],
  { current }: Authority,
): readonly Finding[] {
  const signers = verdicts.flatMap(({ segments }) => segments.flatMap(({ verdict }) => verdict.signer ?? []))
  if (current === undefined || [...signers, ...recorded.map(({ key }) => key)].includes(current)) return []
  // Files that none of the keys signed are findings already.
  if (signers.length === 0 && verdicts.length > 0) return []
  const detail = `no file is signed with the current key ${current}. Either it has signed nothing yet, or all its files were removed, and with them the lines that retired other keys. Only --anchors can tell`
  return [finding('current_key_unseen', detail)]
}

/**
 * Notes the keys that were replaced but not retired: their holders can still sign lines. During a change both keys sign, and a process with
 * the earlier one may open last. If the current key is given, the other key counts as replaced when it signed before the current one did.
 */
export function notRetired(
  verdicts: readonly WriterVerdict[],
  retirements: readonly Retirement[],
  current: string | undefined,
): readonly Finding[] {
  const latest = new Map<string, string>()
  const earliest = new Map<string, string>()
  for (const { key, events } of verdicts)
    for (const event of events)
      if (key !== undefined && event.type === 'audit.opened') {
        if (event.at < (earliest.get(key) ?? '~')) earliest.set(key, event.at)
        for (const other of [key, ...(event.acceptedKeys ?? [])]) {
          const pair = `${key} ${other}`
          if (event.at > (latest.get(pair) ?? '')) latest.set(pair, event.at)
        }
      }
  const used = new Set(verdicts.flatMap(({ key }) => key ?? []))
  const retired = new Set(retirements.map(({ key }) => key))
  return [...used]
    .filter((key) => !retired.has(key))
    .flatMap((key) => {
      const by = [...used].find((other) => {
        if (other === key) return false
        if (current === undefined) return (latest.get(`${other} ${key}`) ?? '') > (latest.get(`${key} ${key}`) ?? '')
        return other === current && (earliest.get(key) ?? '~') < (earliest.get(current) ?? '~')
      })
      if (by === undefined) return []
      const detail = `key ${key} was replaced by key ${by}, and can still sign lines. Once no process has it: audit retire --key ${key}`
      return [finding('key_not_retired', detail)]
    })
}
