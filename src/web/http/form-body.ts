import { isDeepStrictEqual } from 'node:util'
import type { Context } from 'koa'
import { koaBody } from 'koa-body'

/** Longest body in bytes: percent-encoding makes a credential of the largest size three times as long. */
export const MAX_FORM_BYTES = 64 * 1024
const MAX_FIELDS = 64

/** The only file that knows koa-body. */
const parse = koaBody({
  json: false,
  text: false,
  multipart: false,
  urlencoded: true,
  formLimit: MAX_FORM_BYTES,
  // Names stay flat and keep their dots and brackets. Without a prototype, a variable may be called toString.
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
 * What can be told before a byte is read: koa-body lets other types through as an empty object, and has no limit for them.
 *
 * What another parser has made of the body is not taken in its place: the secret would have been in the application's hands, and bytes
 * that browsers do not send could no longer be told. The login's button comes before any secret, so that the first try finds it out.
 */
export function refusedUnread(ctx: Context): BodyRefusal | undefined {
  if (ctx.req.readableDidRead) return 'already_read'
  const type = (ctx.req.headers['content-type'] ?? '').toLowerCase().replace(/\s/g, '')
  if (type !== 'application/x-www-form-urlencoded' && type !== 'application/x-www-form-urlencoded;charset=utf-8') {
    return 'content_type'
  }
  // A compressed body of a few bytes may unpack to many.
  if ((ctx.req.headers['content-encoding'] ?? 'identity') !== 'identity') return 'content_type'
  const length = ctx.req.headers['content-length']
  return length !== undefined && Number(length) > MAX_FORM_BYTES ? 'too_large' : undefined
}

/** The fields by name. A name that came twice, or anything else that is no single text, is `malformed`. */
export async function readFormBody(ctx: Context): Promise<ReadonlyMap<string, string> | BodyRefusal> {
  let body: unknown
  let raw: unknown
  try {
    await parse(ctx, async () => {})
    body = Reflect.get(ctx.request, 'body')
    raw = Reflect.get(ctx.request, 'rawBody')
  } catch (error) {
    // The parser's error holds the raw body, so nothing of it goes further than its status.
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
  // The parser leaves names out that it takes for attacks, such as __proto__, and takes [pat] for pat; a form that holds one is not ours.
  const names = [...new URLSearchParams(raw).keys()].sort()
  return isDeepStrictEqual([...fields.keys()].sort(), names) ? fields : 'malformed'
}

// Browsers send nothing else (URL Standard, application/x-www-form-urlencoded). Parsers make something of other bytes, each in its own
// way, and then what is stored is not what was sent.
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
