import type Koa from 'koa'
import type { WriteLog } from '../core/host/logger.ts'
import { clientAddress } from '../web/http/client-address.ts'

export interface AccessLogOptions {
  readonly log: WriteLog
  /** Paths that are served. `{name}` stands for one part, `*` at the end for any rest. */
  readonly routes: readonly string[]
  readonly trustedProxies: number
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS'])

const PROBES: ReadonlySet<string> = new Set(['/health', '/healthz', '/readyz'])

/**
 * Writes one line for each request once its answer has been sent. A line has the route instead of the path and nothing of the query or the
 * headers, so it holds no link, name or text that a client chose.
 */
export function accessLog({ log, routes, trustedProxies }: AccessLogOptions): Koa.Middleware {
  const known = routes.map((route) => ({ route, pattern: patternOf(route) }))
  return (ctx, next) => {
    const began = performance.now()
    const { req, res } = ctx
    const address = clientAddress(req, trustedProxies)
    const path: unknown = ctx.path
    const route = typeof path === 'string' ? known.find(({ pattern }) => pattern.test(path))?.route : undefined
    res.once('close', () => {
      const { request } = ctx.state as { request?: { readonly correlationId?: string } }
      // Probes come every few seconds.
      log(route !== undefined && PROBES.has(route) && res.statusCode < 500 ? 'debug' : 'info', 'request', {
        method: METHODS.has(ctx.method) ? ctx.method : '_OTHER',
        route: route ?? 'other',
        status: res.statusCode,
        durationMs: Math.round(performance.now() - began),
        ...(!res.writableFinished && { aborted: true }),
        address,
        correlationId: request?.correlationId,
      })
    })
    return next()
  }
}

function patternOf(route: string): RegExp {
  const escaped = route.replace(/[.+?^$()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replace(/\{\w+\}/g, '[^/]+').replace(/\*$/, '.*')}$`)
}
