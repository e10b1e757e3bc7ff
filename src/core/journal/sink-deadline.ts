import { CredentialVaultError } from '../model/errors.ts'
import type { AuditEvent, AuditPosition, AuditSink } from '../ports/audit-sink.ts'

/** Milliseconds. Shorter than a claim, so that a hanging log cannot delay a save until another submit has the link. */
const DEADLINE = 10_000

interface Waiting {
  readonly since: number
  readonly giveUp: () => void
}

/** Limits how long an append may take. All lines share one timer, because there are many and nearly all finish within a millisecond. */
export function sinkWithDeadline(audit: Pick<AuditSink, 'append'>): Pick<AuditSink, 'append'> {
  /** In the order in which they began. */
  const waiting = new Set<Waiting>()
  let timer: NodeJS.Timeout | undefined

  function look(): void {
    const now = performance.now()
    timer = undefined
    for (const one of waiting) {
      if (now - one.since < DEADLINE) break
      waiting.delete(one)
      one.giveUp()
    }
    if (waiting.size > 0) watch()
  }

  function watch(): void {
    const [oldest] = waiting
    const left = oldest ? DEADLINE - (performance.now() - oldest.since) : DEADLINE
    timer ??= setTimeout(look, Math.max(left, 1)).unref()
  }

  return {
    append: (event: AuditEvent) =>
      new Promise<AuditPosition>((resolve, reject) => {
        const one: Waiting = { since: performance.now(), giveUp: () => reject(tooLate()) }
        waiting.add(one)
        if (!timer) watch()
        audit.append(event).then(
          (position) => {
            waiting.delete(one)
            resolve(position)
          },
          (error: unknown) => {
            waiting.delete(one)
            reject(error)
          },
        )
      }),
  }
}

function tooLate(): CredentialVaultError {
  const message = 'The audit log did not answer in time. Nothing was released or saved.'
  return new CredentialVaultError('audit_unavailable', message, { reason: 'timeout', retryable: true })
}
