import type { ExpectedFailure } from './expected-failures.ts'
import type { Check } from './suite.ts'

export interface Verdict {
  readonly passed: number
  readonly expected: number
  /** What failed, and what passed although it was expected to fail. */
  readonly failures: readonly string[]
}

export interface Run {
  readonly name: string
  readonly checks: readonly Check[]
  /** Scenarios that have to have been run, and single checks as `<scenario>:<check>`. */
  readonly required: readonly string[]
}

/** Compares the checks of one run with what was expected of it. Recommendations count like requirements. */
export function judge({ name: run, checks, required }: Run, list: readonly ExpectedFailure[]): Verdict {
  const expected = list.filter(({ runs }) => runs.includes(run))
  const isExpected = (id: string) => expected.some(({ check }) => check === id)
  const failed = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
  const failures = failed
    .filter(({ id }) => !isExpected(id))
    .map(({ id, status, problem }) => `${run}: ${id} (${status.toLowerCase()}): ${problem}`)
  for (const { check } of expected)
    if (!failed.some(({ id }) => id === check))
      failures.push(`${run}: ${check} is expected to fail and did not: remove it from expected-failures.ts`)
  for (const one of new Set(required)) {
    const isMeant = ({ id }: Check) => id === one || id.startsWith(`${one}:`)
    if (!checks.some((check) => isMeant(check) && check.status !== 'SKIPPED' && check.status !== 'INFO'))
      failures.push(`${run}: ${one} was not run`)
  }
  return {
    passed: checks.filter(({ status }) => status === 'SUCCESS').length,
    expected: failed.filter(({ id }) => isExpected(id)).length,
    failures,
  }
}
