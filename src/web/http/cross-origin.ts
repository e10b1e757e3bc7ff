import type { Context } from 'koa'

/** Lets a web page of a listed origin read the answer. Never a wildcard, and no cookies (OWASP ASVS 5.0 v5.0.0-3.4.2). */
export function shareWith(ctx: Context, origin: string): void {
  ctx.set('Access-Control-Allow-Origin', origin)
  ctx.set('Access-Control-Expose-Headers', 'WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version')
  ctx.vary('Origin')
}

/** A preflight carries no token, so it is answered before one is asked for. */
export function answerPreflight(ctx: Context): boolean {
  if (ctx.method !== 'OPTIONS' || ctx.get('access-control-request-method') === '') return false
  ctx.set('Access-Control-Allow-Methods', 'GET, POST, DELETE')
  // MCP headers differ between its versions; the origin is one that the operator listed.
  const headers = ctx.get('access-control-request-headers')
  if (/^[A-Za-z0-9, _-]{1,1000}$/.test(headers)) ctx.set('Access-Control-Allow-Headers', headers)
  ctx.set('Access-Control-Max-Age', '600')
  ctx.status = 204
  return true
}
