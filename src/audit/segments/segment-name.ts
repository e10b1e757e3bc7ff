/** The parts of a segment's file name. A writer's lines may be in several files, its segments. */
export interface SegmentName {
  readonly file: string
  /** When the segment was begun, to the second. */
  readonly begun: Date
  /** 16 hex digits, random for each opened log. */
  readonly writer: string
  /** 1 for the writer's first. */
  readonly part: number
  /** Whether its writer restored it after it was deleted. */
  readonly restored: boolean
}

const PATTERN =
  /^audit-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z-([0-9a-f]{16})-(\d{4,9})(-restored-[0-9a-f]{8})?\.jsonl$/

export function segmentName(begun: Date, writer: string, part: number): string {
  return `audit-${begun.toISOString().slice(0, 19).replaceAll(':', '-')}Z-${writer}-${String(part).padStart(4, '0')}.jsonl`
}

export function restoredName(name: string, mark: string): string {
  return name.replace(/\.jsonl$/, `-restored-${mark}.jsonl`)
}

/** Returns undefined for a file that is not part of the log. */
export function parseSegmentName(file: string): SegmentName | undefined {
  const [, day, hour, minute, second, writer, part, restored] = PATTERN.exec(file) ?? []
  if (writer === undefined) return undefined
  const begun = new Date(`${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(begun.getTime())) return undefined
  return { file, begun, writer, part: Number(part), restored: restored !== undefined }
}
