import type { IncomingMessage } from 'node:http'
import type { Context } from 'koa'
import type { SecurityHeaders } from './security-headers.ts'

/** Sets the headers with which a web page of a listed origin may read the answer. No wildcard, no cookies (OWASP ASVS 5.0 v5.0.0-3.4.2). */
export function shareWith(ctx: Context, origin: string): void {
  ctx.set('Access-Control-Allow-Origin', origin)
  ctx.set('Access-Control-Expose-Headers', 'WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version')
  ctx.vary('Origin')
}

/**
 * Returns the headers of the answer to a preflight, or undefined for any other request. A preflight carries no token, so it is answered
 * before the token is checked.
 */
export function preflightHeaders({ method, headers }: IncomingMessage): SecurityHeaders | undefined {
  if (method !== 'OPTIONS' || !headers['access-control-request-method']) return undefined
  // MCP's headers differ between its versions, so any are allowed; the operator listed the origin.
  const requested = headers['access-control-request-headers'] ?? ''
  return {
    'Access-Control-Allow-Methods': 'GET, POST, DELETE',
    ...(/^[A-Za-z0-9, _-]{1,1000}$/.test(requested) && { 'Access-Control-Allow-Headers': requested }),
    'Access-Control-Max-Age': '600',
  }
}
