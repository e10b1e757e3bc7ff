/** A provider's rules about the end of a credential. */
export interface ExpiryPolicy {
  /** Whether the form asks for the date on which the credential ends at the service. */
  readonly date: 'none' | 'optional' | 'required'
  /** Longest life of a saved credential, in days. Undefined: no limit. */
  readonly maxAgeDays: number | undefined
}

export type ExpiryProblem = 'missing' | 'not_a_date' | 'past' | 'too_far'

export type ExpiryCheck =
  | { readonly ok: true; readonly expiresAt: Date | undefined }
  | { readonly ok: false; readonly problem: ExpiryProblem }

/** In milliseconds. */
export const DAY = 86_400_000
/** Years of four digits, as date fields of browsers send them. */
const ISO_DATE = /^\d{4}-\d{2}-\d{2}$/

/**
 * Checks the date that a user typed, `YYYY-MM-DD`. The credential is taken to work until the end of that day, in UTC.
 *
 * @param now Unix milliseconds
 */
export function checkExpiryDate({ date, maxAgeDays }: ExpiryPolicy, typed: string, now: number): ExpiryCheck {
  const text = typed.trim()
  if (text === '') return date === 'required' ? { ok: false, problem: 'missing' } : { ok: true, expiresAt: undefined }
  const end = Date.parse(`${text}T23:59:59Z`)
  // Date.parse turns 31 February into March.
  if (!ISO_DATE.test(text) || Number.isNaN(end) || new Date(end).toISOString().slice(0, 10) !== text)
    return { ok: false, problem: 'not_a_date' }
  if (end < now) return { ok: false, problem: 'past' }
  if (maxAgeDays !== undefined && end > now + (maxAgeDays + 1) * DAY) return { ok: false, problem: 'too_far' }
  return { ok: true, expiresAt: new Date(end) }
}

/**
 * Returns when a credential that is saved now ends. What the service says counts more than what its user typed, and neither outlives
 * `maxAgeDays`.
 *
 * @param now Unix milliseconds
 */
export function expiryOf(
  { maxAgeDays }: ExpiryPolicy,
  said: { readonly service: Date | undefined; readonly user: Date | undefined },
  now: number,
): Date | undefined {
  return earliest(said.service ?? said.user, endOfLife(now, maxAgeDays))
}

/**
 * Returns when a longest life ends that began at `start`, or undefined if there is no limit.
 *
 * @param start Unix milliseconds
 */
export function endOfLife(start: number, maxAgeDays: number | undefined): Date | undefined {
  return maxAgeDays === undefined ? undefined : new Date(start + maxAgeDays * DAY)
}

/**
 * Returns a time on the last day, in UTC, on which a credential works: one that ends at midnight works until the end of the day before. An
 * invalid date, which a backend may return, stays invalid.
 */
export function lastDayOf(expiresAt: Date): Date {
  return new Date(expiresAt.getTime() - 1)
}

/** Returns the earlier of two times, of which one may be unknown. */
export function earliest(one: Date | undefined, other: Date | undefined): Date | undefined {
  if (!one || !other) return one ?? other
  return one < other ? one : other
}
