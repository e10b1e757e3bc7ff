import { EVENT_CATALOGUE } from '../../audit/line/event-catalogue.ts'
import { type LogFilter, timeFrom } from '../../audit/query/log-filter.ts'
import { nearest } from '../../core/host/nearest.ts'
import type { AuditOutcome } from '../../core/ports/audit-sink.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'

export const filterOptions = {
  user: { type: 'string' },
  issuer: { type: 'string' },
  provider: { type: 'string' },
  type: { type: 'string' },
  outcome: { type: 'string' },
  correlation: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
} as const

export const filterHelp = `  --user NAME         subject or pseudonym of whose credential it is or of who acted, or an operator's account
  --issuer URL        of that user
  --provider NAME
  --type TYPE         a type such as form.identity_mismatch, or its first word
  --outcome WORD      success, failure, denied or error
  --correlation ID    the lines of one operation
  --since, --until    a time such as 2026-11-22T10:00:00Z, or how long ago, such as 90m, 24h or 7d`

const TYPES = Object.keys(EVENT_CATALOGUE)
const FIRST_WORDS = [...new Set(TYPES.map((type) => type.replace(/\..*/, '')))]
const OUTCOMES: readonly AuditOutcome[] = ['success', 'failure', 'denied', 'error']

/** @throws UsageError also for a type or outcome that no line can have, since an empty result would look like good news */
export function filterFrom(input: CommandInput): LogFilter {
  check(input, 'type', [...TYPES, ...FIRST_WORDS], FIRST_WORDS)
  check(input, 'outcome', OUTCOMES, OUTCOMES)
  return {
    user: input.text('user'),
    issuer: input.text('issuer'),
    provider: input.text('provider'),
    type: input.text('type'),
    outcome: input.text('outcome'),
    correlationId: input.text('correlation'),
    since: time(input, 'since'),
    until: time(input, 'until'),
  }
}

function check(
  input: CommandInput,
  option: 'type' | 'outcome',
  known: readonly string[],
  choice: readonly string[],
): void {
  const typed = input.text(option)
  if (typed === undefined || known.includes(typed)) return
  const near = nearest(typed, known)
  throw new UsageError(
    near === undefined
      ? `--${option} takes one of ${choice.join(', ')}`
      : `no line has the ${option} given with --${option}, did you mean ${near}?`,
  )
}

function time(input: CommandInput, option: 'since' | 'until'): Date | undefined {
  const text = input.text(option)
  if (text === undefined) return undefined
  const found = timeFrom(text, new Date())
  if (found) return found
  throw new UsageError(`--${option} takes a time such as 2026-11-22T10:00:00Z, or how long ago, such as 24h`)
}
