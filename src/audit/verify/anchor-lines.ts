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

type Checkpoint = z.output<typeof checkpoint>

/** The checkpoints in what an anchor has kept: lines of JSON, also among the other lines of a log collector. Not verified yet. */
export function checkpointsIn(text: string): readonly (Checkpoint & { readonly line: number })[] {
  return text.split('\n').flatMap((line, i) => {
    if (!line.includes('audit.checkpoint')) return []
    const found = checkpoint.safeParse(parsedJson(line.slice(line.indexOf('{'))))
    return found.success ? [{ ...found.data, line: i + 1 }] : []
  })
}

/** The heads that an anchor has seen. A checkpoint that was signed with none of the keys is a finding, and not believed. */
export function readAnchors(
  text: string,
  keys: readonly KeyObject[],
): { readonly heads: readonly KnownHead[]; readonly findings: readonly Finding[] } {
  const newest = new Map<string, KnownHead>()
  const findings: Finding[] = []
  for (const { at, writer, seq, head, sig, line } of checkpointsIn(text)) {
    if (!isCheckpointSignedBy(keys, checkpointText({ at, writer, seq, head }), sig)) {
      findings.push(finding('anchor_invalid', 'a checkpoint that none of the keys has signed', { line }))
      continue
    }
    const known = { writer, seq, hash: head, at, source: `the anchor of ${at}` }
    // Every one is checked: between two of them somebody may have begun the log anew.
    newest.set(`${writer} ${seq} ${head}`, known)
  }
  return { heads: [...newest.values()], findings }
}
