import { isDeepStrictEqual } from 'node:util'
import type { Context } from 'koa'
import { koaBody } from 'koa-body'

/** Longest body in bytes. Percent-encoding can triple the size of the largest credential. */
export const MAX_FORM_BYTES = 64 * 1024
const MAX_FIELDS = 64

/** koa-body is used in this file only. */
const parse = koaBody({
  json: false,
  text: false,
  multipart: false,
  urlencoded: true,
  formLimit: MAX_FORM_BYTES,
  // Names stay flat and keep their dots and brackets. Objects without a prototype allow a variable named toString.
  queryString: {
    allowDots: false,
    depth: 0,
    parseArrays: false,
    plainObjects: true,
    parameterLimit: MAX_FIELDS,
    throwOnLimitExceeded: true,
  } as Record<string, unknown>,
  includeUnparsed: true,
  patchNode: false,
})

export type BodyRefusal = 'content_type' | 'too_large' | 'malformed' | 'already_read'

/**
 * Refuses a body by its headers, before it is read: koa-body accepts other types as an empty object, and without a limit.
 *
 * A body that another parser has read is refused: the application would have seen the secret, and bytes that browsers do not send could no
 * longer be detected. The sign-in button is checked in the same way, so that the mistake shows before a secret is typed.
 */
export function refusedUnread(ctx: Context): BodyRefusal | undefined {
  if (ctx.req.readableDidRead) return 'already_read'
  const type = (ctx.req.headers['content-type'] ?? '').toLowerCase().replace(/\s/g, '')
  if (type !== 'application/x-www-form-urlencoded' && type !== 'application/x-www-form-urlencoded;charset=utf-8') {
    return 'content_type'
  }
  // A compressed body of a few bytes may expand to many.
  if ((ctx.req.headers['content-encoding'] ?? 'identity') !== 'identity') return 'content_type'
  const length = ctx.req.headers['content-length']
  return length !== undefined && Number(length) > MAX_FORM_BYTES ? 'too_large' : undefined
}

/** Returns the fields by name. A name that occurs twice, and any value that is not a single text, is `malformed`. */
export async function readFormBody(ctx: Context): Promise<ReadonlyMap<string, string> | BodyRefusal> {
  let body: unknown
  let raw: unknown
  try {
    await parse(ctx, async () => {})
    body = Reflect.get(ctx.request, 'body')
    raw = Reflect.get(ctx.request, 'rawBody')
  } catch (error) {
    // The parser's error contains the raw body, so only its status is used.
    return statusOf(error) === 413 ? 'too_large' : 'malformed'
  } finally {
    Reflect.deleteProperty(ctx.request, 'body')
    Reflect.deleteProperty(ctx.request, 'rawBody')
  }
  if (typeof body !== 'object' || body === null || typeof raw !== 'string' || !isWellEncoded(raw)) return 'malformed'
  const fields = new Map<string, string>()
  for (const [name, value] of Object.entries(body)) {
    if (typeof value !== 'string') return 'malformed'
    fields.set(name, value)
  }
  // The parser drops names that it considers attacks, such as __proto__, and reads [pat] as pat. A form with such a name is not ours.
  const names = [...new URLSearchParams(raw).keys()].sort()
  return isDeepStrictEqual([...fields.keys()].sort(), names) ? fields : 'malformed'
}

// Browsers send nothing else (URL Standard, application/x-www-form-urlencoded). Parsers interpret other bytes differently, so the stored
// value could differ from the sent one.
function isWellEncoded(raw: string): boolean {
  if (!/^[\x21-\x7e]*$/.test(raw)) return false
  try {
    decodeURIComponent(raw)
    return true
  } catch {
    return false
  }
}

function statusOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined
}
