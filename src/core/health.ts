/** Part of the opened vault whose failure people should see. */
export type HealthPart = 'audit' | 'backend' | 'pending-store' | 'identity'

/** What `/health` and `doctor` report. A part is well until it is reported otherwise. */
export interface Health {
  /** `problem` is a stable error code or reason, never a message from outside. */
  failed(part: HealthPart, problem: string): void
  recovered(part: HealthPart): void
  problems(): ReadonlyMap<HealthPart, string>
}

export function createHealth(warn: (message: string) => void): Health {
  const problems = new Map<HealthPart, string>()
  return {
    failed(part, problem) {
      if (problems.get(part) !== problem) warn(`${part}: ${problem}`)
      problems.set(part, problem)
    },
    recovered(part) {
      if (problems.delete(part)) warn(`${part}: works again`)
    },
    problems: () => new Map(problems),
  }
}
