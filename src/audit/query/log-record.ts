import { z } from 'zod'

const person = z.object({ issuer: z.string(), subject: z.string().optional(), pseudonym: z.string().optional() })

const schema = z.looseObject({
  w: z.string(),
  at: z.string(),
  id: z.string(),
  type: z.string(),
  outcome: z.string(),
  seq: z.number(),
  reason: z.string().optional(),
  owner: person.optional(),
  actor: z.object({ kind: z.string(), owner: person.optional(), account: z.string().optional() }).optional(),
  provider: z.string().optional(),
  version: z.string().optional(),
  clientId: z.string().optional(),
  clientName: z.string().optional(),
  tool: z.string().optional(),
  backend: z.string().optional(),
  backendRequestIds: z.array(z.string()).optional(),
  address: z.string().optional(),
  correlationId: z.string().optional(),
})

export type LogPerson = z.output<typeof person>

/** One line as it is read back: what it says, without any promise that it is genuine. `audit verify` is for that. */
export type LogRecord = z.output<typeof schema>

export function readLogRecord(bytes: Buffer): LogRecord | undefined {
  try {
    return schema.safeParse(JSON.parse(bytes.toString('utf8'))).data
  } catch {
    return undefined
  }
}
