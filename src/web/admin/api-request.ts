import type { Context } from 'koa'
import type { z } from 'zod'
import { readJsonBody } from '../../core/network/json-body.ts'
import type { AccessContext } from '../../core/ports/access-context.ts'
import { type ApiAnswer, refusal } from './api-answer.ts'

/** Longest body in bytes. */
export const MAX_BODY_BYTES = 64 * 1024

/** One request to the admin API, after its sender was identified. */
export interface ApiRequest {
  readonly ctx: Context
  /** Who is asking, for the audit lines. */
  readonly context: AccessContext
}

/** Something that was read, or the answer to the request that it could not be read from. */
export type Read<T> = { readonly value: T; readonly answer?: never } | { readonly answer: ApiAnswer }

/** Reads a body of at most 64 KiB. */
export async function readBody({ req }: Context, types: readonly string[] = []): Promise<Read<unknown>> {
  if (req.readableDidRead) return { answer: refusal(400, 'invalid_request', 'Another body parser read the body first') }
  // A compressed body of a few bytes may expand to many.
  if ((req.headers['content-encoding'] ?? 'identity') !== 'identity') {
    return { answer: refusal(415, 'invalid_request', 'Send the body without Content-Encoding') }
  }
  const body = await readJsonBody(req, MAX_BODY_BYTES, { types })
  if (body === 'aborted') return { answer: refusal(400, 'invalid_request') }
  if (!body.problem) return { value: body.value }
  const { status, message } = body.problem
  const answer = refusal(status, 'invalid_request', message)
  // The rest of the body would be read as the next request.
  return { answer: status === 413 ? { ...answer, headers: { Connection: 'close' } } : answer }
}

/** Checks what was sent. The answer names the wrong fields and quotes no value. */
export function checked<T extends z.ZodType>(schema: T, value: unknown): Read<z.output<T>> {
  const result = schema.safeParse(value)
  if (result.success) return { value: result.data }
  const fields = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? ['unknown fields'] : [issue.path.join('.') || 'the body'],
  )
  return { answer: refusal(400, 'invalid_request', `Wrong or missing: ${[...new Set(fields)].join(', ')}`) }
}

/** Reads the query. A parameter that is given twice is refused, because proxies disagree on which one counts. */
export function readQuery<T extends z.ZodType>(ctx: Context, schema: T): Read<z.output<T>> {
  const parameters = [...new URLSearchParams(ctx.querystring)]
  if (new Set(parameters.map(([name]) => name)).size < parameters.length) {
    return { answer: refusal(400, 'invalid_request', 'A parameter is given twice') }
  }
  return checked(schema, Object.fromEntries(parameters))
}
