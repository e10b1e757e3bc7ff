import type { CredentialAdmin } from '../credentials/credential-admin.ts'
import { type CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { CredentialStatus, StoredCredential } from '../ports/secret-backend.ts'

export interface Listing {
  readonly stored: readonly StoredCredential[]
  /** Why the list may lack some, e.g. a damaged record. */
  readonly damage: CredentialVaultError | undefined
}

/** Reads the whole list. A damaged record, or a list that breaks off, does not hide what was listed before. */
export async function listAll(credentials: Pick<CredentialAdmin, 'list'>, context: AccessContext): Promise<Listing> {
  const stored: StoredCredential[] = []
  try {
    for await (const one of credentials.list(context)) stored.push(one)
    return { stored: stored.sort(byName), damage: undefined }
  } catch (error) {
    if (!isCredentialVaultError(error)) throw error
    return { stored: stored.sort(byName), damage: error }
  }
}

/** Returns the status with its labels, which some backends return for one credential at a time only. */
export async function statusWithLabels(
  credentials: Pick<CredentialAdmin, 'status'>,
  { key, status }: StoredCredential,
  context: AccessContext,
): Promise<CredentialStatus> {
  return status.status === 'active' && status.labels ? status : credentials.status(key, context)
}

function byName({ key: a }: StoredCredential, { key: b }: StoredCredential): number {
  return a.path < b.path ? -1 : 1
}
