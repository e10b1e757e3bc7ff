import { z } from 'zod'
import type { AuditEvent } from '../../core/ports/audit-sink.ts'

const person = z.object({ issuer: z.string(), subject: z.string().optional(), pseudonym: z.string().optional() })

/** One schema for each field of an event: a field that only one of the two has does not compile. */
const eventFields = {
  type: z.string(),
  outcome: z.string(),
  reason: z.string().optional(),
  owner: person.optional(),
  actor: z.object({ kind: z.string(), owner: person.optional(), account: z.string().optional() }).optional(),
  provider: z.string().optional(),
  version: z.string().optional(),
  previousVersion: z.string().optional(),
  clientId: z.string().optional(),
  clientName: z.string().optional(),
  tool: z.string().optional(),
  backend: z.string().optional(),
  backendRequestIds: z.array(z.string()).optional(),
  destination: z.string().optional(),
  status: z.number().optional(),
  request: z.string().optional(),
  address: z.string().optional(),
  pid: z.number().optional(),
  correlationId: z.string().optional(),
  count: z.number().optional(),
  occurredAt: z.string().optional(),
  late: z.boolean().optional(),
} satisfies { readonly [K in keyof Required<AuditEvent>]: z.ZodType }

// Loose, so that the fields of the log's own lines are exported too.
const schema = z.looseObject({ w: z.string(), at: z.string(), id: z.string(), seq: z.number(), ...eventFields })

export type LogPerson = z.output<typeof person>

/** A line as it was read, without a check that it is genuine: `audit verify` does that. */
export type LogRecord = z.output<typeof schema>

/** Returns undefined for bytes that are no line of the log. */
export function readLogRecord(bytes: Buffer): LogRecord | undefined {
  try {
    return schema.safeParse(JSON.parse(bytes.toString('utf8'))).data
  } catch {
    return undefined
  }
}
