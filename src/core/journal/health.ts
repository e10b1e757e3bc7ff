import type { AuditReason } from '../ports/audit-sink.ts'

/** A part of the opened vault whose failure operators should see. */
export type HealthPart = 'audit' | 'backend' | 'pending-store' | 'identity' | 'calls'

/** The state that `/health` and `doctor` report. A part is healthy until it is reported otherwise. */
export interface Health {
  /** `problem` is a stable error code or reason, `advice` the public text of one of our own errors. Neither is a message from outside. */
  failed(part: HealthPart, problem: AuditReason, advice?: string): void
  recovered(part: HealthPart): void
  problems(): ReadonlyMap<HealthPart, AuditReason>
}

/**
 * @param warn called with the part and its problem, and with the advice for it
 * @param changed called when a part's problem begins, changes or, with undefined, ends
 */
export function createHealth(
  warn: (message: string, advice?: string) => void,
  changed: (part: HealthPart, problem: AuditReason | undefined) => void = () => {},
): Health {
  const problems = new Map<HealthPart, AuditReason>()
  const told = new Map<HealthPart, Set<AuditReason>>()

  /** Tells each problem of an outage once: the operations of a busy server may fail in turns for two reasons. */
  function tell(part: HealthPart, problem: AuditReason, advice: string | undefined): void {
    const before = told.get(part) ?? new Set()
    if (before.has(problem)) return
    told.set(part, before.add(problem))
    warn(`${part}: ${problem}`, advice)
  }

  return {
    failed(part, problem, advice) {
      if (problems.get(part) === problem) return
      problems.set(part, problem)
      tell(part, problem, advice)
      changed(part, problem)
    },
    recovered(part) {
      if (!problems.delete(part)) return
      told.delete(part)
      warn(`${part}: works again`)
      changed(part, undefined)
    },
    problems: () => new Map(problems),
  }
}
