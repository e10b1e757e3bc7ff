import type { CredentialState } from '../model/credential-state.ts'
import type { Variable } from '../model/variables.ts'
import type { CredentialStatus } from '../ports/secret-backend.ts'

/**
 * Returns the state of a credential from its status in the backend. A rejection outranks an expiry, because it is the service's own answer.
 *
 * @param now Unix milliseconds
 */
export function stateOf(status: CredentialStatus, variables: readonly Variable[], now: number): CredentialState {
  if (status.status !== 'active') return status.status
  const { labels, fields } = status
  if (labels?.rejectedAt) return 'rejected'
  if (labels?.expiresAt && labels.expiresAt.getTime() <= now) return 'expired'
  return fields && missingFields(variables, fields).length > 0 ? 'incomplete' : 'active'
}

/** Returns the required variables that a stored credential lacks, because the provider did not have them when it was saved. */
export function missingFields(variables: readonly Variable[], fields: readonly string[]): readonly Variable[] {
  return variables.filter(({ name, required }) => required && !fields.includes(name))
}

const DAY = 86_400_000

/**
 * Ends a credential `maxAgeDays` after its version was made, if no label ends it sooner. The time of the version comes from the backend, so
 * it also holds for values that an operator stored, and for labels that were lost.
 */
export function withLongestLife(status: CredentialStatus, maxAgeDays: number | undefined): CredentialStatus {
  if (status.status !== 'active' || maxAgeDays === undefined) return status
  const end = new Date(status.version.createdAt.getTime() + maxAgeDays * DAY)
  return { ...status, labels: { ...status.labels, expiresAt: earliest(status.labels?.expiresAt, end) } }
}

/** Returns the earlier of two times, of which one may be unknown. */
export function earliest(one: Date | undefined, other: Date | undefined): Date | undefined {
  if (!one || !other) return one ?? other
  return one < other ? one : other
}
