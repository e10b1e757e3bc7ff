import { type LogFilter, timeFrom } from '../../audit/query/log-filter.ts'
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

export function filterFrom(input: CommandInput): LogFilter {
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

function time(input: CommandInput, option: 'since' | 'until'): Date | undefined {
  const text = input.text(option)
  if (text === undefined) return undefined
  const found = timeFrom(text, new Date())
  if (found) return found
  throw new UsageError(`--${option} takes a time such as 2026-11-22T10:00:00Z, or how long ago, such as 24h`)
}
