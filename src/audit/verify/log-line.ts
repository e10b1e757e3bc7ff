import { z } from 'zod'

const head = z.object({ file: z.string(), writer: z.string(), seq: z.number(), hash: z.string(), at: z.string() })

const schema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('audit.opened'),
    at: z.string(),
    key: z.string(),
    host: z.string(),
    pid: z.number(),
    segments: z.number(),
    heads: z.array(head),
  }),
  z.object({ type: z.literal('audit.segment_closed') }),
  z.object({ type: z.literal('audit.closed') }),
  z.object({
    type: z.literal('audit.segment_purged'),
    file: z.string(),
    first: z.number(),
    last: z.number(),
    link: z.string(),
    before: z.string(),
  }),
  z.object({
    type: z.literal('audit.writer_failed'),
    at: z.string(),
    reason: z.string(),
    failedWriter: z.string(),
    lastSeq: z.number(),
    head: z.string(),
  }),
])

/** What the log says of itself. */
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
