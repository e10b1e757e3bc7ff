import type Koa from 'koa'
import type { CredentialVault } from '../vault/credential-vault.ts'

/**
 * Serves `GET /health`, which reports what calls and forms have met since the start; `/readyz` asks the parts themselves. Answers 200
 * `{"status":"ok"}`, or 503 with the parts that do not work and a stable code for each. It names no version, path or person.
 */
export function healthRoute(vault: CredentialVault): Koa.Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/health') return next()
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD')
      ctx.status = 405
      return
    }
    const problems = vault.problems()
    ctx.set('Cache-Control', 'no-store')
    ctx.set('X-Content-Type-Options', 'nosniff')
    ctx.status = problems.size === 0 ? 200 : 503
    ctx.body = problems.size === 0 ? { status: 'ok' } : { status: 'degraded', problems: Object.fromEntries(problems) }
  }
}
