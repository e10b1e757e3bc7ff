/** Calendar date and time of day, as services write them: with `T` or a blank between, and with or without a zone. */
const WRITTEN = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?(?: ?(Z|UTC|GMT|[+-]\d{2}:?\d{2}))?)?$/

/** Epoch times above this are in milliseconds: in seconds it is the year 5138. */
const MOST_SECONDS = 1e11

/**
 * Parses a credential's expiry as services write it: an ISO 8601 date or time, also with a blank for the `T`, or a Unix time in seconds or
 * milliseconds. A date alone means 00:00 UTC, and a time without a zone is in UTC.
 *
 * @returns undefined for anything else, and for a time that has passed: the service has just accepted the credential
 */
export function readExpiry(value: unknown, now = Date.now()): Date | undefined {
  const time =
    typeof value === 'string' ? timeOf(value.trim()) : typeof value === 'number' ? unixTime(value) : undefined
  if (time === undefined || !(time > now)) return undefined
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? undefined : date
}

function timeOf(text: string): number | undefined {
  if (/^\d{9,14}$/.test(text)) return unixTime(Number(text))
  const [, date, time = '00:00', zone = 'Z'] = WRITTEN.exec(text) ?? []
  if (date === undefined) return undefined
  return Date.parse(`${date}T${time}${/^[+-]/.test(zone) ? zone.replace(/^(...)(\d\d)$/, '$1:$2') : 'Z'}`)
}

function unixTime(value: number): number {
  return value > MOST_SECONDS ? value : value * 1000
}
