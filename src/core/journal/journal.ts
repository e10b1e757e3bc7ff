import type { Warn } from '../host/logger.ts'
import { newCorrelationId } from '../model/correlation-id.ts'
import { isCredentialVaultError } from '../model/errors.ts'
import type { AuditEvent, AuditPosition, AuditSink } from '../ports/audit-sink.ts'
import type { Health } from './health.ts'
import { MalformedEvent } from './malformed-event.ts'
import { createOutage } from './outage.ts'
import { createRefusalCap } from './refusal-cap.ts'
import { adviceOf, reasonOf } from './refusal-event.ts'
import { sinkWithDeadline } from './sink-deadline.ts'
import { MALFORMED_EVENT } from './translated-errors.ts'

/** Writes all audit lines. Each opened vault has one, which holds the lines that could not be written yet. */
export interface Journal {
  /** Call this before granting something. It rejects with `audit_unavailable` if the line is not durable; then grant nothing. */
  grant(event: AuditEvent): Promise<AuditPosition>
  /**
   * Call this for facts that stand even if they cannot be logged: a refusal, an end, an outcome. It never rejects. If a line cannot be
   * written, health turns red, and the line is queued and written once the log works again, with `late` and the time of the event. Refusals
   * of requests without a known user are counted beyond a limit, in one `refusals.counted` line a minute.
   */
  note(event: AuditEvent): Promise<void>
  /**
   * Rejects if the log does not work, or could not take a line now. If it failed, this tries again to write: what waits for it, and a line
   * that says that it works again.
   */
  probe(): Promise<void>
  /** Writes the counts of lines that were not written one by one, and tries once more to write the unwritten lines. */
  close(): Promise<void>
  /** What is still to be written. */
  backlog(): Backlog
}

export interface Backlog {
  readonly lines: number
  /** Age of the oldest of them, 0 without one. */
  readonly oldestMilliseconds: number
}

export interface JournalParts {
  readonly audit: Pick<AuditSink, 'append' | 'check'>
  readonly health: Health
  /** Is given each line that was written, or queued to be written. It must not throw. */
  readonly observe?: (event: AuditEvent) => void
  /** Reports unlogged changes immediately, in case the process exits. */
  readonly warn?: Warn
}

/** Longest queue of unwritten lines. Lines beyond it are only counted. */
const MAX_UNWRITTEN = 1000

const CHANGES: readonly AuditEvent['type'][] = [
  'credential.stored',
  'credential.rotated',
  'credential.store_failed',
  'credential.revoked',
  'credential.purged',
  'credential.revoke_failed',
]

const COUNTED = {
  type: 'refusals.counted',
  outcome: 'denied',
  actor: { kind: 'anonymous' },
  correlationId: 'refusals-counted',
} as const

/** The line is the attempt: it can be read only if the log took it. */
const WORKS_AGAIN = { type: 'backend.recovered', outcome: 'success', backend: 'audit' } as const

export function createJournal({ audit, health, warn = () => {}, observe = () => {} }: JournalParts): Journal {
  const log = sinkWithDeadline(audit)
  let unwritten: AuditEvent[] = []
  let dropped = 0
  let flushing: Promise<void> | undefined

  async function append(event: AuditEvent): Promise<AuditPosition> {
    try {
      if (unwritten.length + dropped > 0) await flushed()
      const position = await log.append(event)
      health.recovered('audit')
      return position
    } catch (error) {
      health.failed('audit', reasonOf(error))
      throw error
    }
  }

  function flushed(): Promise<void> {
    flushing ??= flush()
    return flushing
  }

  /** Writes the queue in order, before any new line. */
  async function flush(): Promise<void> {
    try {
      for (let next = unwritten[0]; next; next = unwritten[0]) {
        await log.append(next)
        unwritten.shift()
      }
      if (dropped === 0) return
      const count = dropped
      await log.append({ type: 'audit.gap', outcome: 'error', count, correlationId: 'audit-gap' })
      dropped -= count
    } finally {
      flushing = undefined
    }
  }

  function keep(event: AuditEvent): void {
    const isChange = CHANGES.includes(event.type)
    if (isChange) {
      const { type, provider = '', correlationId } = event
      const fields = { provider: event.provider, correlationId }
      warn(`not in the audit log yet: ${type} ${provider} (correlation id ${correlationId})`, fields)
    }
    // Strangers can cause refusals at will; refusals must not push changes out of the queue.
    if (unwritten.length < (isChange ? MAX_UNWRITTEN : MAX_UNWRITTEN / 2))
      unwritten.push({ ...event, occurredAt: new Date().toISOString(), late: true })
    else dropped += 1
  }

  async function write(event: AuditEvent): Promise<void> {
    await append(event).catch((error: unknown) => {
      if (!isMalformed(error)) return keep(event)
      // The log would refuse the line again, and every line behind it would have to wait.
      const { type, correlationId } = event
      warn(`a line that the audit log does not take was left out: ${type} (correlation id ${correlationId})`, {
        correlationId,
      })
    })
  }

  const checks = createOutage()

  /**
   * Asks the sink whether it can take lines, and tells operators why not. The outcome does not change health, which is about lines that
   * were not written: with a disk that is nearly full they still are.
   */
  async function checked(): Promise<void> {
    try {
      await audit.check?.()
      if (checks.end()) warn('the audit log can take lines again')
    } catch (error) {
      if (checks.isNews(reasonOf(error))) warn(adviceOf(error) ?? 'the audit log could not be checked')
      throw error
    }
  }

  const refusals = createRefusalCap((count) => write({ ...COUNTED, count }))

  return {
    async grant(event) {
      const position = await append(event)
      observe(event)
      return position
    },
    async note(event) {
      if (!refusals.allows(event)) return
      await write(event)
      observe(event)
    },
    async probe() {
      if (health.problems().has('audit')) await append({ ...WORKS_AGAIN, correlationId: newCorrelationId() })
      await checked()
    },
    backlog() {
      const [oldest] = unwritten
      const since = oldest?.occurredAt === undefined ? Date.now() : Date.parse(oldest.occurredAt)
      return { lines: unwritten.length + dropped, oldestMilliseconds: Math.max(Date.now() - since, 0) }
    },
    async close() {
      await refusals.close()
      if (unwritten.length + dropped > 0) await flushed().catch(() => {})
      const lost = unwritten.length + dropped
      if (lost > 0) warn(`${lost} audit lines could not be written and are lost.`)
      unwritten = []
    },
  }
}

function isMalformed(error: unknown): boolean {
  return (
    error instanceof MalformedEvent ||
    (isCredentialVaultError(error, 'audit_unavailable') && error.reason === MALFORMED_EVENT)
  )
}
