import type { CredentialAdmin } from '../credentials/credential-admin.ts'
import type { CredentialWriter } from '../credentials/credential-writer.ts'
import type { CredentialVaultError } from '../model/errors.ts'
import { type Owner, sameOwner } from '../model/owner.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { CredentialStatus } from '../ports/secret-backend.ts'
import { inBatch, type Outcome } from './batch.ts'
import { listAll } from './stored-list.ts'

/** The result for one credential of an owner. */
export interface RevokedCredential {
  readonly provider: string
  readonly result: 'revoked' | 'purged' | 'already_revoked' | 'absent' | 'would_be_revoked' | 'failed'
  /** Code of the failure. */
  readonly error?: string
  /** The account at the service, as the service named it. */
  readonly accountName?: string
}

export interface OwnerRevocation {
  readonly credentials: readonly RevokedCredential[]
  /** How many credentials, of all owners, the list named. */
  readonly listed: number
  /** The providers that the list names for any owner, without those of this owner's credentials. */
  readonly otherProviders: readonly string[]
  /** Why the list may lack some of the owner's credentials. */
  readonly damage: CredentialVaultError | undefined
  /** Why credentials were not revoked, for people. `credentials` has the codes alone. */
  readonly failures: readonly CredentialVaultError[]
}

export interface OwnerRevocationParts {
  readonly credentials: Pick<CredentialAdmin, 'list' | 'status'> & Pick<CredentialWriter, 'revoke'>
  readonly context: AccessContext
  readonly purge: boolean
  readonly dryRun: boolean
  /** Revoked whatever the list says. */
  readonly named: readonly StorageKey[]
  /** Looked up besides the list, and revoked if something is stored, or if the list could not be read to its end. */
  readonly known?: readonly StorageKey[]
  readonly onDone?: (done: number, total: number) => void
}

/** Revokes every credential of one owner. A failure does not keep the others from being revoked; doing it again finishes it. */
export async function revokeAllOf(owner: Owner, parts: OwnerRevocationParts): Promise<OwnerRevocation> {
  const { credentials, context, purge, dryRun, named, known = [], onDone } = parts
  const { stored, damage } = await listAll(credentials, context)
  const forced = [...named, ...(damage ? known : [])]
  // Without the list there is nothing to do unless the providers are known.
  if (damage && stored.length === 0 && forced.length === 0) throw damage
  const found = new Map<string, Wanted>(forced.map((key) => [key.path, { key }]))
  for (const one of stored) if (sameOwner(one.key.owner, owner)) found.set(one.key.path, one)
  const listedRevoked = [...found.values()].flatMap(({ key, status }) => (status?.status === 'revoked' ? [key] : []))
  const unlisted = known.filter(({ path }) => !found.has(path))
  for (const one of await storedOf([...unlisted, ...listedRevoked], parts)) found.set(one.key.path, one)
  const wanted = [...found.values()]
  const revoked = async ({ key, status }: Wanted): Promise<RevokedCredential['result']> => {
    if (status?.status === 'revoked' && !purge) return 'already_revoked'
    if (dryRun) return 'would_be_revoked'
    if (await credentials.revoke(key, { purge }, context)) return purge ? 'purged' : 'revoked'
    return status?.status === 'revoked' ? 'already_revoked' : 'absent'
  }
  const outcomes = await inBatch(wanted, revoked, (done) => onDone?.(done, wanted.length))
  const failures = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []))
  const done = new Set(wanted.map(({ key }) => key.provider))
  const otherProviders = [...new Set(stored.map(({ key }) => key.provider))].filter((provider) => !done.has(provider))
  return { credentials: outcomes.map(resultOf), listed: stored.length, otherProviders, damage, failures }
}

/**
 * Returns those of the keys under which something is stored: a list may lag behind a save, as that of AWS does. A key that cannot be looked
 * up is returned too.
 */
async function storedOf(
  keys: readonly StorageKey[],
  { credentials, context }: OwnerRevocationParts,
): Promise<readonly Wanted[]> {
  const outcomes = await inBatch(keys, (key) => credentials.status(key, context))
  return outcomes.flatMap((outcome): readonly Wanted[] => {
    if ('error' in outcome) return [{ key: outcome.item }]
    return outcome.result.status === 'absent' ? [] : [{ key: outcome.item, status: outcome.result }]
  })
}

interface Wanted {
  readonly key: StorageKey
  readonly status?: CredentialStatus
}

function resultOf(outcome: Outcome<Wanted, RevokedCredential['result']>): RevokedCredential {
  const { key, status } = outcome.item
  const accountName = status?.status === 'active' ? status.labels?.accountName : undefined
  const told = { provider: key.provider, ...(accountName !== undefined && { accountName }) }
  return 'result' in outcome
    ? { ...told, result: outcome.result }
    : { ...told, result: 'failed', error: outcome.error.code }
}
