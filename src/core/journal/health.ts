import type { AuditReason } from '../ports/audit-sink.ts'
import { createOutage, type Outage } from './outage.ts'

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
  const outages = new Map<HealthPart, Outage>()

  function outageOf(part: HealthPart): Outage {
    const outage = outages.get(part) ?? createOutage()
    outages.set(part, outage)
    return outage
  }

  return {
    failed(part, problem, advice) {
      if (problems.get(part) === problem) return
      problems.set(part, problem)
      if (outageOf(part).isNews(problem)) warn(`${part}: ${problem}`, advice)
      changed(part, problem)
    },
    recovered(part) {
      if (!problems.delete(part)) return
      outageOf(part).end()
      warn(`${part}: works again`)
      changed(part, undefined)
    },
    problems: () => new Map(problems),
  }
}
