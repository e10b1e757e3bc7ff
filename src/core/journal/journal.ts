import { isCredentialVaultError } from '../model/errors.ts'
import type { AuditEvent, AuditPosition, AuditSink } from '../ports/audit-sink.ts'
import type { Health } from './health.ts'
import { createRefusalCap } from './refusal-cap.ts'
import { reasonOf } from './refusal-event.ts'
import { sinkWithDeadline } from './sink-deadline.ts'
import { MALFORMED_EVENT } from './translated-errors.ts'

/** How everything writes audit lines. One for each opened vault: it keeps what could not be written. */
export interface Journal {
  /** Before something is granted: rejects with `audit_unavailable` when the line is not durable, and nothing may be granted then. */
  grant(event: AuditEvent): Promise<AuditPosition>
  /**
   * About what stands whether or not it can be written: a refusal, an ending, an outcome. Never rejects. A line that cannot be written
   * turns health red and is kept, to be written as soon as the log works again, with `late` and the time that it is about. Too
   * many refusals of requests without a known user are counted instead, in a `refusals.counted` line a minute.
   */
  note(event: AuditEvent): Promise<void>
  /** Writes the counts of lines that were not written one by one, and tries once more to write the unwritten lines. */
  close(): Promise<void>
}

export interface JournalParts {
  readonly audit: AuditSink
  readonly health: Health
  /** Hears at once of a change that the log could not take: should the process end now, nothing else would tell. */
  readonly warn?: (message: string) => void
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

export function createJournal({ audit, health, warn = () => {} }: JournalParts): Journal {
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

  /** In the order in which it happened, and before anything new. */
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
      warn(`not in the audit log yet: ${type} ${provider} (correlation id ${correlationId})`)
    }
    // Refusals can be made at will; they must not crowd out what was changed.
    if (unwritten.length < (isChange ? MAX_UNWRITTEN : MAX_UNWRITTEN / 2))
      unwritten.push({ ...event, occurredAt: new Date().toISOString(), late: true })
    else dropped += 1
  }

  async function write(event: AuditEvent): Promise<void> {
    await append(event).catch((error: unknown) => {
      if (!isMalformed(error)) return keep(event)
      // It would be refused again, and everything after it with it.
      const { type, correlationId } = event
      warn(`a line that the audit log does not take was left out: ${type} (correlation id ${correlationId})`)
    })
  }

  const refusals = createRefusalCap((count) => write({ ...COUNTED, count }))

  return {
    grant: append,
    async note(event) {
      if (refusals.allows(event)) await write(event)
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
    error instanceof TypeError ||
    (isCredentialVaultError(error, 'audit_unavailable') && error.reason === MALFORMED_EVENT)
  )
}
