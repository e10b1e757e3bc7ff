import { ask, type Citation, type Level, type Requirement } from './requirement.ts'

/** The place of a citation of the conformance suite's checks, in place of a test file. */
export const SUITE = 'conformance'

/** A check of the suite. `npm run conformance` fails unless the mount for SDK 2.x passes it at 2026-07-28. */
export const suite = (scenario: string, check: string): Citation => [SUITE, `${scenario}:${check}`]
export const stateless = (check: string) => suite('server-stateless', `sep-2575-${check}`)

/** What one page of MCP 2026-07-28 asks, in its own words. Numbers count our own list. */
export function page2026(
  name: string,
  ...rows: readonly [level: Level, words: string, ...tests: Citation[]][]
): Requirement[] {
  return rows.map(([level, words, ...tests], at) =>
    ask(`MCP 2026-07-28 ${name} ${at + 1}`, level, `“${words}”`).tested(...tests),
  )
}
