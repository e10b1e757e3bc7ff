import { answer, type Desk, type Visit } from './visit.ts'

export function answerRateLimited({ renderer, messages }: Desk, { ctx }: Visit, seconds: number): void {
  ctx.set('Retry-After', String(seconds))
  answer(ctx, renderer.message(messages.rateLimited(seconds)))
}
