import type { Journal } from '../../core/journal/journal.ts'
import type { Answer } from './answer.ts'
import { lineOf, type PageRequest } from './page-request.ts'

/**
 * Writes the audit line of a request's outcome, then sends the handler's answer. Handlers write the lines that come before an effect
 * themselves. Assets are sent by their route.
 */
export async function respond(journal: Pick<Journal, 'note'>, request: PageRequest, answer: Answer): Promise<void> {
  const { ctx } = request
  if (answer.event) await journal.note({ ...answer.event, ...lineOf(request) })
  void answer.beside?.()
  if (answer.problem !== undefined) ctx.app.emit('error', new Error(answer.problem), ctx)
  for (const [name, value] of Object.entries(answer.headers ?? {})) ctx.set(name, value)
  for (const cookie of answer.cookies ?? []) ctx.append('Set-Cookie', cookie)
  ctx.status = answer.page.status
  if ('location' in answer.page) {
    ctx.set('Location', answer.page.location)
    ctx.body = ''
    return
  }
  ctx.type = 'text/html; charset=utf-8'
  ctx.body = answer.page.html
}
