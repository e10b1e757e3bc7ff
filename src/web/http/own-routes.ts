import type { ServerResponse } from 'node:http'
import type { Middleware } from 'koa'
import type { Drain } from '../../core/host/drain.ts'
import type { KoaMiddleware } from '../../core/ports/koa.ts'

/** Middleware that answers some paths itself and passes every other on. */
export interface OwnRoutes {
  readonly middleware: KoaMiddleware
  /** Whether `middleware` answers this path itself. */
  owns(path: string): boolean
  /** Paths that must be reachable without a bearer token. `{name}` stands for a provider, `*` for any file. */
  readonly openPaths: readonly string[]
}

/** Milliseconds within which a client has to take the last answer. */
const LAST_ANSWER = 1_000

/**
 * Counts the requests that `routes` answers, so that the vault's stores stay open for them until they are answered. A request that is still
 * being sent is not waited for, since its sender decides how long that takes. Once the stores are closed, every request gets 503.
 */
export function countedRoutes(routes: OwnRoutes, drain: Drain): OwnRoutes {
  const middleware: Middleware = async (ctx, next) => {
    if (typeof ctx.path !== 'string' || !routes.owns(ctx.path)) return routes.middleware(ctx, next)
    if (drain.over) {
      ctx.set({
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
        'Retry-After': '10',
        Connection: 'close',
      })
      ctx.status = 503
      ctx.body = 'This server is restarting. Try again in a moment.'
      return
    }
    const answering = answer(ctx, next)
    const whole = async () => {
      await Promise.allSettled([answering])
      await sent(ctx.res)
    }
    void drain.during(whole, { isDue: () => ctx.req.complete, kind: ctx.method === 'POST' ? 'form' : undefined })
    return answering
  }

  async function answer(...[ctx, next]: Parameters<Middleware>): Promise<void> {
    await routes.middleware(ctx, next)
    // Load balancers then connect to another replica.
    if (drain.begun) ctx.set('Connection', 'close')
  }

  return { ...routes, middleware }
}

/** Resolves once the answer has left, which Koa sends after its middleware is done. */
function sent(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, LAST_ANSWER).unref()
    const left = () => {
      clearTimeout(late)
      resolve()
    }
    if (response.closed) left()
    else response.once('close', left)
  })
}
