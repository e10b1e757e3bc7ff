import type { CredentialWriter } from '../credentials/credential-writer.ts'
import type { CredentialVaultError } from '../model/errors.ts'
import type { Owner } from '../model/owner.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { StoredCredential } from '../ports/secret-backend.ts'
import { inBatch } from './batch.ts'
import type { RevokedCredential } from './owner-revocation.ts'

export interface ProviderRevocation {
  readonly credentials: Pick<CredentialWriter, 'revoke'>
  readonly context: AccessContext
  readonly purge: boolean
  readonly onDone?: (done: number) => void
  /** Called with each failure, of which the result has the code alone. */
  readonly onFailure?: (error: CredentialVaultError) => void
}

/** Returns those of a list that a revocation changes: the active ones, and the revoked ones too if their marks are removed. */
export function toBeRevoked(stored: readonly StoredCredential[], purge: boolean): readonly StoredCredential[] {
  return stored.filter(({ status }) => purge || status.status === 'active')
}

/** Revokes each of a list, and says what was done with it. The failure of one does not stop the others. */
export async function revokeEach(
  wanted: readonly StoredCredential[],
  { credentials, context, purge, onDone, onFailure }: ProviderRevocation,
): Promise<readonly (Owner & RevokedCredential)[]> {
  const outcomes = await inBatch(wanted, ({ key }) => credentials.revoke(key, { purge }, context), onDone)
  return outcomes.map((outcome): Owner & RevokedCredential => {
    const { provider, owner } = outcome.item.key
    if ('error' in outcome) {
      onFailure?.(outcome.error)
      return { provider, ...owner, result: 'failed', error: outcome.error.code }
    }
    return { provider, ...owner, result: purge ? 'purged' : 'revoked' }
  })
}
