import { z } from 'zod'
import { type FoundHead, type LogEvent, SERVER_TIERS } from '../line/log-events.ts'

const head = z.object({
  file: z.string(),
  writer: z.string(),
  seq: z.number(),
  hash: z.string(),
  at: z.string(),
  key: z.string().optional(),
} satisfies Fields<FoundHead>)

/** One schema for each field that the log writes. `at` and `seq` are written into every line. */
const schema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('audit.opened'),
    at: z.string(),
    seq: z.number(),
    key: z.string(),
    temporaryKey: z.literal(true).optional(),
    tier: z.enum(SERVER_TIERS).optional(),
    host: z.string(),
    pid: z.number(),
    segments: z.number(),
    heads: z.array(head),
    acceptedKeys: z.array(z.string()).optional(),
  } satisfies LineFields<'audit.opened'>),
  z.object({
    type: z.literal('audit.key_retired'),
    at: z.string(),
    seq: z.number(),
    key: z.string(),
    heads: z.array(head),
  } satisfies LineFields<'audit.key_retired'>),
  z.object({
    type: z.literal('audit.segment_closed'),
    at: z.string(),
    seq: z.number(),
    reason: z.string(),
  } satisfies LineFields<'audit.segment_closed'>),
  z.object({ type: z.literal('audit.closed'), at: z.string(), seq: z.number() } satisfies LineFields<'audit.closed'>),
  z.object({
    type: z.literal('audit.segment_purged'),
    at: z.string(),
    seq: z.number(),
    file: z.string(),
    first: z.number(),
    last: z.number(),
    link: z.string(),
    before: z.string(),
    key: z.string().optional(),
  } satisfies LineFields<'audit.segment_purged'>),
  z.object({
    type: z.literal('audit.writer_failed'),
    at: z.string(),
    seq: z.number(),
    reason: z.string(),
    failedWriter: z.string(),
    lastSeq: z.number(),
    head: z.string(),
  } satisfies LineFields<'audit.writer_failed'>),
])

type Fields<T> = { readonly [K in keyof T]: z.ZodType }
type LineFields<T extends LogEvent['type']> = Fields<
  Extract<LogEvent, { readonly type: T }> & { readonly at: string; readonly seq: number }
>

/** A line that the log wrote about itself. */
export type LogLine = z.output<typeof schema>

const TYPES: ReadonlySet<string> = new Set(schema.options.map((option) => option.shape.type.value))

/** Returns undefined for lines written on behalf of another component. */
export function readLogLine(type: string, bytes: Buffer): LogLine | undefined {
  if (!TYPES.has(type)) return undefined
  try {
    return schema.safeParse(JSON.parse(bytes.toString('utf8'))).data
  } catch {
    return undefined
  }
}
