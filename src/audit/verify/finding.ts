/**
 * `tampered`: content differs from what the log wrote. `incomplete`: the content is genuine, but some of it is missing or unsigned.
 * `note`: worth knowing, and no fault.
 */
export type Severity = 'tampered' | 'incomplete' | 'note'

const SEVERITIES = {
  line_malformed: 'tampered',
  line_too_long: 'tampered',
  line_changed: 'tampered',
  chain_broken: 'tampered',
  signature_invalid: 'tampered',
  signature_unknown_key: 'tampered',
  segment_foreign: 'tampered',
  segment_other_key: 'tampered',
  key_retired: 'tampered',
  segment_forked: 'tampered',
  head_differs: 'tampered',
  anchor_invalid: 'tampered',
  record_differs: 'tampered',
  key_missing: 'incomplete',
  current_key_unseen: 'incomplete',
  segment_missing: 'incomplete',
  tail_cut: 'incomplete',
  tail_unsigned: 'incomplete',
  unclosed: 'incomplete',
  record_without_line: 'incomplete',
  still_open: 'note',
  nothing_signed: 'note',
  segment_purged: 'note',
  key_not_retired: 'note',
  clock_backwards: 'note',
  unknown_type: 'note',
  unknown_file: 'note',
  line_without_record: 'note',
} as const satisfies Record<string, Severity>

export type FindingKind = keyof typeof SEVERITIES

export interface Finding {
  readonly kind: FindingKind
  readonly severity: Severity
  readonly file?: string
  /** Counted from 1. */
  readonly line?: number
  /** Byte at which that line begins. */
  readonly offset?: number
  /** A sentence for people. */
  readonly detail: string
}

export function finding(
  kind: FindingKind,
  detail: string,
  where: Pick<Finding, 'file' | 'line' | 'offset'> = {},
): Finding {
  return { kind, severity: SEVERITIES[kind], ...where, detail }
}
