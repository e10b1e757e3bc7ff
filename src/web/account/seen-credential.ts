import { currentState } from '../../core/lifecycle/state-of.ts'
import type { CredentialState } from '../../core/model/credential-state.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { CredentialStatus } from '../../core/ports/secret-backend.ts'
import type { PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'
import type { CredentialVisit } from './account-visit.ts'

/**
 * A credential as its owner sees it. `unverified`: it was saved although the service could not be asked. `unreachable`: the store does not
 * answer right now. `broken`: the store answers, and a retry does not help. These two say nothing about the credential. `refused`:
 * this server did not write the stored values.
 */
export type SeenCredential =
  | { readonly state: CredentialState | 'unverified'; readonly status: CredentialStatus }
  | { readonly state: 'unreachable' | 'broken' | 'refused'; readonly status?: undefined }

/** Looks at one credential. Never rejects: the failure of one must not hide the others. */
export async function seenCredential(
  { parts }: PageServices,
  { correlationId }: Pick<PageRequest, 'correlationId'>,
  { key, provider }: Pick<CredentialVisit, 'key' | 'provider'>,
): Promise<SeenCredential> {
  try {
    const { state, status } = await currentState(parts.owned, key, provider, { correlationId })
    if (status.status === 'active' && status.refused) return { state: 'refused' }
    const isUnverified = state === 'active' && status.status === 'active' && status.labels?.unverified
    return { state: isUnverified ? 'unverified' : state, status }
  } catch (error) {
    return { state: isPassing(error) ? 'unreachable' : 'broken' }
  }
}

export function isPassing(error: unknown): boolean {
  return isCredentialVaultError(error, 'unavailable', 'outcome_unknown', 'conflict', 'audit_unavailable')
}
