import { importPublicKey } from '../line/audit-keys.ts'
import { MAX_LINE_BYTES } from '../line/chained-line.ts'
import { openingOf } from '../segments/chain-opening.ts'
import { startOfFile } from '../segments/file-start.ts'
import { listSegments } from '../segments/segment-ends.ts'
import type { SegmentName } from '../segments/segment-name.ts'
import { verifyWriter } from './verify-writer.ts'

/** `audit retire` opens a log of its own, so its line is among the first of a file. */
const SEARCHED_BYTES = 2 * MAX_LINE_BYTES

/**
 * Finds the line that retires this public key. The line counts if its own chain is sound and another key signed it, listed or not: a process
 * whose list is out of date must not sign with a retired key either.
 */
export async function findRetirement(
  folder: string,
  key: string,
): Promise<{ readonly file: string; readonly at: string } | undefined> {
  const segments = await listSegments(folder)
  const retirement = `"type":"audit.key_retired","outcome":"success","key":"${key}"`
  for (const { file, writer } of segments) {
    if (!(await startOfFile(folder, file, SEARCHED_BYTES)).includes(retirement)) continue
    const own = segments.filter((segment) => segment.writer === writer)
    const at = await retiredAt(folder, own, key)
    if (at !== undefined) return { file, at }
  }
  return undefined
}

async function retiredAt(folder: string, own: readonly SegmentName[], key: string): Promise<string | undefined> {
  const [first] = own
  const claimed = first && (await openingOf(folder, first.file))?.key
  const signer = claimed === undefined || claimed === key ? undefined : importPublicKey(claimed)
  if (!first || !signer) return undefined
  const { events, findings } = verifyWriter(folder, first.writer, own, [signer])
  if (findings.some(({ severity }) => severity === 'tampered')) return undefined
  return events.find((event) => event.type === 'audit.key_retired' && event.key === key)?.at
}
