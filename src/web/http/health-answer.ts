import type { Context } from 'koa'

/** Sets what all answers about health have in common. Returns false, with 405 set, for a method that asks nothing. */
export function beginHealthAnswer(ctx: Context): boolean {
  ctx.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' })
  if (ctx.method === 'GET' || ctx.method === 'HEAD') return true
  ctx.set('Allow', 'GET, HEAD')
  ctx.status = 405
  return false
}

/** Answers 200 without problems, else 503 with the parts that do not work and a stable code for each. */
export function answerProblems(
  ctx: Context,
  problems: ReadonlyMap<string, string>,
  status: { readonly none: string; readonly some: string },
): void {
  ctx.status = problems.size === 0 ? 200 : 503
  ctx.body =
    problems.size === 0 ? { status: status.none } : { status: status.some, problems: Object.fromEntries(problems) }
}
