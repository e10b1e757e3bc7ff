import type { CredentialAdmin } from '../credentials/credential-admin.ts'
import type { AccessLog } from '../credentials/credential-audit.ts'
import type { CredentialWriter } from '../credentials/credential-writer.ts'
import { type ReinstatementParts, reinstate } from '../lifecycle/reinstatement.ts'
import { stateOf } from '../lifecycle/state-of.ts'
import type { CredentialState } from '../model/credential-state.ts'
import { CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import type { Owner } from '../model/owner.ts'
import { meansProvider, type StorageKey, storageKey } from '../model/storage-key.ts'
import { missing } from '../model/stored-values.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { CredentialStatus } from '../ports/secret-backend.ts'
import { inBatch } from './batch.ts'
import type { Offboard } from './offboarding.ts'
import type { RevokedCredential } from './owner-revocation.ts'
import { revokeEach, toBeRevoked } from './provider-revocation.ts'
import { listAll, statusWithLabels } from './stored-list.ts'

/** One credential as an operator sees it. There is no value in it. */
export interface ShownCredential extends Owner {
  readonly provider: string
  readonly state: CredentialState
  readonly version?: string
  /** RFC 3339, as the other times. */
  readonly since?: string
  readonly accountName?: string
  readonly expiresAt?: string
  readonly rejectedAt?: string
}

/** A list, and why it may lack some. */
export interface ShownList {
  readonly credentials: readonly ShownCredential[]
  readonly error?: string
}

/** The result for each credential of a provider, and why the list may lack some. */
export interface RevokedList {
  readonly credentials: readonly (Owner & RevokedCredential)[]
  readonly error?: string
}

export interface CredentialFilter {
  readonly provider?: string | undefined
  readonly issuer?: string | undefined
  readonly subject?: string | undefined
}

/** The operators' verbs of the running server. None of them returns a value. */
export interface AdminOperations {
  list(filter: CredentialFilter, context: AccessContext): Promise<ShownList>
  show(key: StorageKey, context: AccessContext): Promise<ShownCredential & { readonly location: string }>
  /** Resolves to false for one that is revoked already. Throws `credential_absent`. */
  revoke(key: StorageKey, purge: boolean, context: AccessContext): Promise<boolean>
  revokeAll(provider: string, purge: boolean, context: AccessContext): Promise<RevokedList>
  /** Takes the mark of a rejection back. Resolves to false if there is none. */
  rollback(key: StorageKey, context: AccessContext): Promise<boolean>
  /** Those that have expired or expire within `within` milliseconds, the first to expire first. */
  expiring(within: number, filter: CredentialFilter, context: AccessContext): Promise<ShownList>
  offboard: Offboard
  /** Whether something of this owner is stored for a registered provider. */
  knows(owner: Owner, context: AccessContext): Promise<boolean>
}

export interface AdminOperationsParts extends ReinstatementParts {
  readonly credentials: CredentialAdmin & Pick<CredentialWriter, 'revoke'>
  readonly log: AccessLog
  readonly changed: (key: StorageKey) => void
  readonly offboard: Offboard
  readonly providers: () => Iterable<string>
}

export function createAdminOperations(parts: AdminOperationsParts): AdminOperations {
  const { credentials, log, changed, offboard, providers } = parts

  /** @throws what broke the list off, if it names nothing */
  async function listed(filter: CredentialFilter, context: AccessContext) {
    const { stored, damage } = await listAll(credentials, context)
    if (damage && stored.length === 0) throw damage
    return { stored: stored.filter(({ key }) => isAskedFor(key, filter)), error: damage && { error: damage.code } }
  }

  return {
    offboard,

    async list(filter, context) {
      const { stored, error } = await listed(filter, context)
      return { credentials: stored.map(({ key, status }) => shown(key, status)), ...error }
    },

    async show(key, context) {
      await log.grant(key, context, { type: 'admin.shown', outcome: 'success' })
      return { ...shown(key, await credentials.status(key, context)), location: credentials.locate(key) }
    },

    async revoke(key, purge, context) {
      if (await credentials.revoke(key, { purge }, context)) return true
      if ((await credentials.status(key, context)).status === 'revoked') return false
      throw absent(key.provider)
    },

    async revokeAll(provider, purge, context) {
      const { stored, error } = await listed({ provider }, context)
      const done = await revokeEach(toBeRevoked(stored, purge), { credentials, context, purge })
      return { credentials: done, ...error }
    },

    async rollback(key, context) {
      const status = await credentials.status(key, context)
      if (status.status === 'absent') throw absent(key.provider)
      if (status.status === 'revoked') throw missing('revoked', key.provider)
      if (!status.labels?.rejectedAt) return false
      const isDone = await reinstate(parts, key, status.version, context)
      changed(key)
      if (isDone) return true
      throw new CredentialVaultError('conflict', `The credential for ${key.provider} was changed at the same time.`, {
        provider: key.provider,
      })
    },

    async expiring(within, filter, context) {
      const { stored, error } = await listed(filter, context)
      const active = stored.filter(({ status }) => status.status === 'active')
      const outcomes = await inBatch(active, async (one) =>
        shown(one.key, await statusWithLabels(credentials, one, context)),
      )
      const known = outcomes.flatMap((outcome) => ('result' in outcome ? [outcome.result] : []))
      const failed = outcomes.find((outcome) => 'error' in outcome)
      const until = new Date(Date.now() + within).toISOString()
      const soon = known.flatMap((one) => (one.expiresAt !== undefined && one.expiresAt <= until ? [one] : []))
      soon.sort((a, b) => (String(a.expiresAt) < String(b.expiresAt) ? -1 : 1))
      return { credentials: soon, ...(failed && 'error' in failed && { error: failed.error.code }), ...error }
    },

    async knows(owner, context) {
      const keys = [...providers()].map((provider) => storageKey(provider, owner))
      const outcomes = await inBatch(keys, (key) => credentials.status(key, context))
      if (outcomes.some((outcome) => 'result' in outcome && outcome.result.status !== 'absent')) return true
      // A damaged record is somebody's. An outage is not "nobody".
      const failed = outcomes.find((outcome) => 'error' in outcome)
      if (!failed || !('error' in failed)) return false
      if (isCredentialVaultError(failed.error, 'record_tampered', 'record_replayed')) return true
      throw failed.error
    },
  }
}

function isAskedFor({ provider, owner }: StorageKey, filter: CredentialFilter): boolean {
  const fits = (wanted: string | undefined, value: string) => wanted === undefined || wanted === value
  if (filter.provider !== undefined && !meansProvider(filter.provider, provider)) return false
  return fits(filter.issuer, owner.issuer) && fits(filter.subject, owner.subject)
}

function shown({ provider, owner }: StorageKey, status: CredentialStatus): ShownCredential {
  const labels = status.status === 'active' ? status.labels : undefined
  return {
    provider,
    ...owner,
    // The provider's variables may have changed since, so no field counts as missing.
    state: stateOf(status, [], Date.now()),
    ...(status.status !== 'absent' && {
      version: status.version.label,
      since: status.version.createdAt.toISOString(),
    }),
    ...(labels?.accountName !== undefined && { accountName: labels.accountName }),
    ...(labels?.expiresAt && { expiresAt: labels.expiresAt.toISOString() }),
    ...(labels?.rejectedAt && { rejectedAt: labels.rejectedAt.toISOString() }),
  }
}

function absent(provider: string): CredentialVaultError {
  return new CredentialVaultError('credential_absent', `No credential for ${provider} is stored for this owner.`, {
    provider,
  })
}
