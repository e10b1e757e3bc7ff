import type { KeyObject } from 'node:crypto'
import { z } from 'zod'
import { checkpointText } from '../anchors/anchor.ts'
import { isCheckpointSignedBy } from '../line/audit-keys.ts'
import { parsedJson } from '../line/parsed-json.ts'
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

/**
 * The checkpoints in what an anchor has kept: lines of JSON, also among the other lines of a log collector. One that was signed with
 * none of the keys is a finding, and not believed.
 */
export function readAnchors(
  text: string,
  keys: readonly KeyObject[],
): { readonly heads: readonly KnownHead[]; readonly findings: readonly Finding[] } {
  const newest = new Map<string, KnownHead>()
  const findings: Finding[] = []
  text.split('\n').forEach((line, i) => {
    if (!line.includes('audit.checkpoint')) return
    const found = checkpoint.safeParse(parsedJson(line.slice(line.indexOf('{'))))
    if (!found.success) return
    const { at, writer, seq, head, sig } = found.data
    if (!isCheckpointSignedBy(keys, checkpointText({ at, writer, seq, head }), sig)) {
      findings.push(finding('anchor_invalid', 'a checkpoint that none of the keys has signed', { line: i + 1 }))
      return
    }
    const known = { writer, seq, hash: head, at, source: `the anchor of ${at}` }
    // Every one is checked: between two of them somebody may have begun the log anew.
    newest.set(`${writer} ${seq} ${head}`, known)
  })
  return { heads: [...newest.values()], findings }
}
