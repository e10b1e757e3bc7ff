import type { ServerTier } from '../../core/ports/store-keys.ts'
import { type LineBody, lineStart, quoted } from './audit-line.ts'

/** What a server may serve, as the first line of its chain names it. */
export const SERVER_TIERS = ['form', 'tool', 'all'] as const satisfies readonly ServerTier[]

/** The end of a segment that the log found in its folder. */
export interface FoundHead {
  readonly file: string
  readonly writer: string
  readonly seq: number
  readonly hash: string
  /** Time of that line, RFC 3339. */
  readonly at: string
  /** Public key that signed it. Left out when it is the key that signs this record. */
  readonly key?: string
}

/** Why a file could not be continued. */
export type WriterFailure = 'sync_failed' | 'deleted' | 'replaced' | 'truncated' | 'changed' | 'write_failed'

/** A line that the log writes about itself. */
export type LogEvent =
  | {
      readonly type: 'audit.opened'
      /** Public key that verifies its signatures. */
      readonly key: string
      /** Set for a key that only this process has, so that nobody can verify the chain after its end. */
      readonly temporaryKey?: true
      /** What the process serves. Left out for a command. */
      readonly tier?: ServerTier
      readonly host: string
      readonly pid: number
      /** Number of other segments in the folder; `heads` has the newest. */
      readonly segments: number
      readonly heads: readonly FoundHead[]
      /** Public keys whose lines the writer accepts besides its own. Left out when there are none. */
      readonly acceptedKeys?: readonly string[]
    }
  | {
      readonly type: 'audit.key_retired'
      /** The retired public key. */
      readonly key: string
      /** Ends of the chains that it signed. One retirement may write several lines, which list each chain once. */
      readonly heads: readonly FoundHead[]
    }
  | { readonly type: 'audit.segment_closed'; readonly reason: 'size' | 'day' }
  | { readonly type: 'audit.closed' }
  | {
      readonly type: 'audit.segment_purged'
      readonly file: string
      /** Numbers of its first and last line; `link` is the value of `prev` in the line after it. */
      readonly first: number
      readonly last: number
      readonly link: string
      /** RFC 3339. Files whose last line is older may have been removed. */
      readonly before: string
      /** Public key that signed the file. Older lines lack it. */
      readonly key?: string
    }
  | {
      readonly type: 'audit.writer_failed'
      readonly reason: WriterFailure
      /** Writer whose lines after `lastSeq` were never acknowledged. */
      readonly failedWriter: string
      readonly lastSeq: number
      readonly head: string
    }

export function logLineBody(event: LogEvent, at: Date = new Date()): LineBody {
  const { type, ...rest } = event
  const outcome = type === 'audit.writer_failed' ? 'error' : 'success'
  const fields = Object.entries(rest).flatMap(([name, value]) =>
    value === undefined ? [] : [`,"${name}":${written(value)}`],
  )
  return `${lineStart(at)},"type":"${type}","outcome":"${outcome}"${fields.join('')}`
}

function written(value: string | number | true | readonly (FoundHead | string)[]): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number' || value === true) return String(value)
  return `[${value.map((one) => (typeof one === 'string' ? quoted(one) : writtenHead(one))).join(',')}]`
}

function writtenHead({ file, writer, seq, hash, at, key }: FoundHead): string {
  const signer = key === undefined ? '' : `,"key":${quoted(key)}`
  return `{"file":${quoted(file)},"writer":${quoted(writer)},"seq":${seq},"hash":${quoted(hash)},"at":${quoted(at)}${signer}}`
}
