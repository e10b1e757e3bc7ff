import type { Middleware } from 'koa'
import type { CredentialVault } from '../vault/credential-vault.ts'
import { answerProblems, beginHealthAnswer } from '../web/http/health-answer.ts'

/**
 * Serves `GET /health`, which reports what calls and forms have met since the start; `/readyz` asks the parts themselves. Answers 200
 * `{"status":"ok"}`, or 503 with the parts that do not work and a stable code for each. It names no version, path or person.
 */
export function healthReport(vault: CredentialVault): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/health') return next()
    if (!beginHealthAnswer(ctx)) return
    answerProblems(ctx, vault.problems(), { none: 'ok', some: 'degraded' })
  }
}
