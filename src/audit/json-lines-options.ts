import { z } from 'zod'
import { type Logger, loggerOption } from '../core/host/logger.ts'
import type { OptionSchemas } from '../core/model/options.ts'
import type { AuditAnchor } from './anchors/anchor.ts'

export interface JsonLinesAuditOptions {
  /**
   * Folder of the files, created with mode 0700 if it is missing. It must be on a local disk that honours fsync. A folder that everyone may
   * write to is refused, and so is another user's folder with write access for its group. This user's own folder is then set to mode 0700,
   * with a warning.
   */
  readonly folder: string
  /**
   * Key that signs the lines and makes the pseudonyms, in the text form that `keygen` prints. Default `MCP_AUDIT_KEY` or
   * `MCP_AUDIT_KEY_FILE`, else a key derived from the backend's own key, else, with a warning, a key that only this process has.
   */
  readonly key?: string
  /** File with that key. Only one of the two. */
  readonly keyFile?: string
  /**
   * Other keys whose lines count as the log's own, in the same form, at most 4; they sign nothing. During a change of keys, the next one
   * before it is used everywhere, and the last one afterwards. The word `derived` stands for the key that is derived from the backend's
   * own. Default `MCP_AUDIT_KEY_ACCEPTED` or `MCP_AUDIT_KEY_ACCEPTED_FILE`, else none.
   */
  readonly acceptedKeys?: readonly string[]
  /** File with those keys, one on each line. Only one of the two. */
  readonly acceptedKeysFile?: string
  /**
   * How people are written: `clear`, the default, with issuer and subject; `pseudonym` with the issuer and a keyed pseudonym, which
   * `audit show --user` finds for an operator who has the key. Pseudonyms need a configured key or the backend's own.
   */
  readonly subjects?: 'clear' | 'pseudonym'
  /** Bytes after which a new file is started, 65536 to 1073741824. Default 67108864. Each UTC day starts one too. */
  readonly maxSegmentBytes?: number
  /** Days after its last line when a file is removed, 2 to 3650; the log records which. Default: files are kept for ever. */
  readonly keepDays?: number
  /** Receives checkpoints, which later show whether the end of the log was cut off. Default none. */
  readonly anchor?: AuditAnchor
  /** Seconds after which `anchor` receives new lines, 1 to 3600. Default 60. */
  readonly anchorSeconds?: number
  /** Lines after which `anchor` receives a checkpoint earlier, 1 to 100000. Default 1000. */
  readonly anchorLines?: number
  /** Called about a file removed while in use, a folder whose mode was changed, and a temporary key. Default: a process warning. */
  readonly warn?: (message: string) => void
  /** A logger of pino's shape, which gets the same with `component` `audit`. Default: none. */
  readonly logger?: Logger | undefined
}

export const jsonLinesOptions = z.strictObject({
  folder: z.string().min(1),
  key: z.string().optional(),
  keyFile: z.string().min(1).optional(),
  acceptedKeys: z.array(z.string()).optional(),
  acceptedKeysFile: z.string().min(1).optional(),
  subjects: z.enum(['clear', 'pseudonym']).default('clear'),
  maxSegmentBytes: z.int().min(65_536).max(1_073_741_824).default(67_108_864),
  keepDays: z.int().min(2).max(3650).optional(),
  anchor: z
    .custom<AuditAnchor>(
      (value) => typeof value === 'object' && value !== null && 'publish' in value,
      'must be an anchor such as webhookAnchor({ url })',
    )
    .optional(),
  anchorSeconds: z.int().min(1).max(3600).default(60),
  anchorLines: z.int().min(1).max(100_000).default(1000),
  warn: z.custom<(message: string) => void>((value) => typeof value === 'function', 'must be a function').optional(),
  logger: loggerOption(),
} satisfies OptionSchemas<JsonLinesAuditOptions>)
