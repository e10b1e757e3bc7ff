import type { KeyObject } from 'node:crypto'
import { z } from 'zod'
import { parsedJson } from '../../core/model/json.ts'
import { checkpointText } from '../anchors/anchor.ts'
import { checkpointSignerOf, publicKeyText } from '../line/audit-keys.ts'
import { type Finding, finding } from './finding.ts'
import type { KnownHead } from './known-heads.ts'

const checkpoint = z.object({
  type: z.literal('audit.checkpoint'),
  at: z.string(),
  writer: z.string().regex(/^[0-9a-f]{16}$/),
  seq: z.int().min(1),
  head: z.string(),
  sig: z.string(),
})

type Checkpoint = z.output<typeof checkpoint>

/**
 * Finds checkpoints in the text that an anchor stored: lines of JSON, possibly among other lines of a log collector. Does not verify them.
 */
export function checkpointsIn(text: string): readonly (Checkpoint & { readonly line: number })[] {
  return text.split('\n').flatMap((line, i) => {
    if (!line.includes('audit.checkpoint')) return []
    const found = checkpoint.safeParse(parsedJson(line.slice(line.indexOf('{'))))
    return found.success ? [{ ...found.data, line: i + 1 }] : []
  })
}

/** Returns the heads of the genuine checkpoints. A checkpoint that none of the keys signed is a finding instead. */
export function readAnchors(
  text: string,
  keys: readonly KeyObject[],
): { readonly heads: readonly KnownHead[]; readonly findings: readonly Finding[] } {
  const newest = new Map<string, KnownHead>()
  const findings: Finding[] = []
  for (const { at, writer, seq, head, sig, line } of checkpointsIn(text)) {
    const signer = checkpointSignerOf(keys, checkpointText({ at, writer, seq, head }), sig)
    if (!signer) {
      findings.push(finding('anchor_invalid', 'a checkpoint that none of the keys has signed', { line }))
      continue
    }
    const key = publicKeyText(signer)
    const known = { writer, seq, hash: head, at, key, recordedBy: key, source: `the anchor of ${at}` }
    // Each one is compared: the log may have been replaced between two checkpoints.
    newest.set(`${writer} ${seq} ${head}`, known)
  }
  return { heads: [...newest.values()], findings }
}
