import type { CredentialReader } from '../credentials/credential-reader.ts'
import type { CredentialState } from '../model/credential-state.ts'
import { type ExpiryPolicy, earliest, endOfLife } from '../model/expiry.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { Variable } from '../model/variables.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { FormProvider } from '../ports/form-provider.ts'
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

/** A provider, as far as the state of a credential depends on it. */
export type StateProvider = Pick<FormProvider, 'variables' | 'expiry'>

/** A credential's status with everything that ends it, and the state that follows. */
export interface CurrentState {
  readonly state: CredentialState
  readonly status: CredentialStatus
}

/**
 * Looks at a credential. `maxAgeDays` counts from the time of the version, which comes from the backend, so it also holds for values that an
 * operator stored and for labels that were lost. The names of the fields may come from a label, which others can write: a reader that can
 * tell them from the values decides whether one is missing.
 */
export async function currentState(
  reader: Pick<CredentialReader, 'status'> & Partial<Pick<CredentialReader, 'fields'>>,
  key: StorageKey,
  { variables, expiry }: StateProvider,
  context: Pick<AccessContext, 'correlationId' | 'assertion' | 'trace'>,
): Promise<CurrentState> {
  const status = withLongestLife(await reader.status(key, context), expiry)
  const state = stateOf(status, variables, Date.now())
  if (state !== 'incomplete' || status.status !== 'active' || !reader.fields) return { state, status }
  const fields = await reader.fields(key, context)
  if (!fields) return { state, status }
  const checked = { ...status, fields }
  return { state: stateOf(checked, variables, Date.now()), status: checked }
}

/** Ends a credential `maxAgeDays` after its version was made, if no label ends it sooner. */
export function withLongestLife(status: CredentialStatus, expiry: ExpiryPolicy | undefined): CredentialStatus {
  if (status.status !== 'active' || expiry?.maxAgeDays === undefined) return status
  const { labels, version } = status
  const expiresAt = earliest(labels?.expiresAt, endOfLife(version.createdAt.getTime(), expiry.maxAgeDays))
  return { ...status, labels: { ...labels, expiresAt } }
}
