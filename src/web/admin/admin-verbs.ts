import { z } from 'zod'
import { DAY } from '../../core/model/expiry.ts'
import { MAX_IDENTITY_LENGTH } from '../../core/model/owner.ts'
import { isProviderName, storageKey } from '../../core/model/storage-key.ts'
import type { AdminOperations } from '../../core/operations/admin-operations.ts'
import type { ApiAnswer } from './api-answer.ts'
import { type ApiRequest, checked, type Read, readBody, readQuery } from './api-request.ts'

const provider = z.string().refine(isProviderName)
const part = z.string().min(1).max(MAX_IDENTITY_LENGTH)
const owner = { issuer: part, subject: part }
const one = z.strictObject({ provider, ...owner })
const filter = z.strictObject({ provider: provider.optional(), issuer: part.optional(), subject: part.optional() })
const flag = z.boolean().default(false)
const revocation = z.strictObject({ provider, ...owner, purge: flag })
const providerRevocation = z.strictObject({ provider, purge: flag })
const period = z.strictObject({
  withinDays: z
    .string()
    .regex(/^\d{1,4}$/)
    .default('14'),
  provider: provider.optional(),
})
const offboarding = z.strictObject({
  ...owner,
  providers: z.array(provider).max(100).default([]),
  purge: flag,
  dryRun: flag,
})

const RETRY_LATER = { 'Retry-After': '10' }

type Handler = (operations: AdminOperations, request: ApiRequest) => Promise<ApiAnswer>

interface Verb {
  readonly method: 'GET' | 'POST'
  readonly handle: Handler
}

/** By the path below the API's own. */
export const VERBS: Readonly<Record<string, Verb>> = {
  credentials: {
    method: 'GET',
    handle: withQuery(filter, async (wanted, operations, { context }) =>
      listAnswer(await operations.list(wanted, context)),
    ),
  },
  credential: {
    method: 'GET',
    handle: withQuery(one, async ({ provider: name, ...of }, operations, { context }) => {
      const body = await operations.show(storageKey(name, of), context)
      return { status: body.state === 'absent' ? 404 : 200, body }
    }),
  },
  expiring: {
    method: 'GET',
    handle: withQuery(period, async ({ withinDays, ...wanted }, operations, { context }) =>
      listAnswer(await operations.expiring(Number(withinDays) * DAY, wanted, context)),
    ),
  },
  revoke: {
    method: 'POST',
    handle: withBody(revocation, async ({ provider: name, purge, ...of }, operations, { context }) => {
      const revoked = await operations.revoke(storageKey(name, of), purge, context)
      return { status: 200, body: { provider: name, ...of, revoked, purged: purge } }
    }),
  },
  'revoke-all': {
    method: 'POST',
    handle: withBody(providerRevocation, async ({ provider: name, purge }, operations, { context }) => {
      const body = await operations.revokeAll(name, purge, context)
      const failed = body.error !== undefined || body.credentials.some(({ result }) => result === 'failed')
      return finished(body, !failed)
    }),
  },
  rollback: {
    method: 'POST',
    handle: withBody(one, async ({ provider: name, ...of }, operations, { context }) => {
      const reinstated = await operations.rollback(storageKey(name, of), context)
      return { status: 200, body: { provider: name, ...of, reinstated } }
    }),
  },
  offboard: {
    method: 'POST',
    handle: withBody(offboarding, async ({ issuer, subject, ...choices }, operations, { context }) => {
      const body = await operations.offboard({ issuer, subject }, choices, context)
      return finished(body, body.left.length === 0)
    }),
  },
}

function listAnswer(body: { readonly error?: string }): ApiAnswer {
  return finished(body, body.error === undefined)
}

/** 503 with the same body if something is left: sent again, the request finishes it. */
function finished(body: object, done: boolean): ApiAnswer {
  return done ? { status: 200, body } : { status: 503, body, headers: RETRY_LATER }
}

type Work<T> = (input: T, operations: AdminOperations, request: ApiRequest) => Promise<ApiAnswer>

function withQuery<T extends z.ZodType>(schema: T, work: Work<z.output<T>>): Handler {
  return async (operations, request) =>
    orRefused(readQuery(request.ctx, schema), (input) => work(input, operations, request))
}

function withBody<T extends z.ZodType>(schema: T, work: Work<z.output<T>>): Handler {
  return async (operations, request) => {
    const body = await readBody(request.ctx)
    if (body.answer) return body.answer
    return orRefused(checked(schema, body.value), (input) => work(input, operations, request))
  }
}

async function orRefused<T>(read: Read<T>, work: (input: T) => Promise<ApiAnswer>): Promise<ApiAnswer> {
  return read.answer ?? work(read.value)
}
