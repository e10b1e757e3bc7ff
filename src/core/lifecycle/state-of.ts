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
