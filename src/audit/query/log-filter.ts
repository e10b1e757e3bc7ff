import { meansProvider } from '../../core/model/storage-key.ts'
import type { Pseudonym } from '../line/audit-line.ts'
import type { LogPerson, LogRecord } from './log-record.ts'

export interface LogFilter {
  /** Subject or pseudonym of the credential's owner or the acting user, or an operator's account. */
  readonly user?: string | undefined
  readonly issuer?: string | undefined
  /** A provider, with all its accounts, or one account, such as `jira@work`. */
  readonly provider?: string | undefined
  /** A type, or its first word. */
  readonly type?: string | undefined
  readonly outcome?: string | undefined
  readonly correlationId?: string | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
}

/** @param pseudonyms also find lines that name the user by a pseudonym: one for each key at hand */
export function logFilter(filter: LogFilter, pseudonyms: readonly Pseudonym[]): (record: LogRecord) => boolean {
  const since = filter.since?.toISOString()
  const until = filter.until?.toISOString()
  const { user } = filter

  function isPerson(person: LogPerson | undefined): boolean {
    if (!person || (filter.issuer !== undefined && person.issuer !== filter.issuer)) return false
    if (user === undefined) return true
    if (person.subject === user || person.pseudonym === user) return true
    if (person.pseudonym === undefined) return false
    const owner = { issuer: person.issuer, subject: user }
    return pseudonyms.some((pseudonym) => pseudonym(owner) === person.pseudonym)
  }

  const isOf = ({ owner, actor }: LogRecord) =>
    isPerson(owner) || isPerson(actor?.owner) || (user !== undefined && actor?.account === user)
  const { provider, type, outcome, correlationId } = filter
  const tests: readonly ((record: LogRecord) => boolean)[] = [
    ...(since === undefined ? [] : [({ at }: LogRecord) => at >= since]),
    ...(until === undefined ? [] : [({ at }: LogRecord) => at < until]),
    ...(provider === undefined
      ? []
      : [({ provider: of }: LogRecord) => of !== undefined && meansProvider(provider, of)]),
    ...(type === undefined ? [] : [(record: LogRecord) => record.type === type || record.type.startsWith(`${type}.`)]),
    ...(outcome === undefined ? [] : [(record: LogRecord) => record.outcome === outcome]),
    ...(correlationId === undefined ? [] : [(record: LogRecord) => record.correlationId === correlationId]),
    ...(user === undefined && filter.issuer === undefined ? [] : [isOf]),
  ]
  return (record) => tests.every((holds) => holds(record))
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/**
 * Parses a time such as `2026-11-22` or `2026-11-22T10:00:00Z`, or an age such as `90m`, `24h` or `7d`. Returns undefined for other texts.
 */
export function timeFrom(text: string, now: Date): Date | undefined {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count !== undefined) return new Date(now.getTime() - Number(count) * (UNITS[unit] ?? 0) * 1000)
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text)) return undefined
  const time = new Date(text)
  return Number.isNaN(time.getTime()) ? undefined : time
}
