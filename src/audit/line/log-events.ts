import { type LineBody, lineStart, quoted } from './audit-line.ts'

/** Where a segment that the log found in its folder ended. */
export interface FoundHead {
  readonly file: string
  readonly writer: string
  readonly seq: number
  readonly hash: string
  /** RFC 3339. Of that line. */
  readonly at: string
}

/** Why a file could no longer be written. */
export type WriterFailure = 'sync_failed' | 'deleted' | 'replaced' | 'truncated' | 'changed' | 'write_failed'

/** What the log says of itself. */
export type LogEvent =
  | {
      readonly type: 'audit.opened'
      /** The public key that its signatures are checked with. */
      readonly key: string
      readonly host: string
      readonly pid: number
      /** How many other segments lie in the folder, of which `heads` shows the newest. */
      readonly segments: number
      readonly heads: readonly FoundHead[]
    }
  | { readonly type: 'audit.segment_closed'; readonly reason: 'size' | 'day' }
  | { readonly type: 'audit.closed' }
  | {
      readonly type: 'audit.segment_purged'
      readonly file: string
      /** Numbers of its first and last line, and what the line after it has as `prev`. */
      readonly first: number
      readonly last: number
      readonly link: string
      /** RFC 3339. What had its last line before this may have been removed for its age. */
      readonly before: string
    }
  | {
      readonly type: 'audit.writer_failed'
      readonly reason: WriterFailure
      /** Whose lines after `lastSeq` nobody was told of. */
      readonly failedWriter: string
      readonly lastSeq: number
      readonly head: string
    }

export function logLineBody(event: LogEvent, at: Date = new Date()): LineBody {
  const { type, ...rest } = event
  const outcome = type === 'audit.writer_failed' ? 'error' : 'success'
  const fields = Object.entries(rest).map(([name, value]) => `,"${name}":${written(value)}`)
  return `${lineStart(at)},"type":"${type}","outcome":"${outcome}"${fields.join('')}`
}

function written(value: string | number | readonly FoundHead[]): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') return String(value)
  return `[${value
    .map(
      ({ file, writer, seq, hash, at }) =>
        `{"file":${quoted(file)},"writer":${quoted(writer)},"seq":${seq},"hash":${quoted(hash)},"at":${quoted(at)}}`,
    )
    .join(',')}]`
}
