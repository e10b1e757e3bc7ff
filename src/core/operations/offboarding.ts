import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EventListeners } from '../journal/event-listeners.ts'
import type { Journal } from '../journal/journal.ts'
import { isCredentialVaultError } from '../model/errors.ts'
import type { Owner } from '../model/owner.ts'
import { storageKey } from '../model/storage-key.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { Cutoff } from '../ports/cutoff.ts'
import type { NotEnded } from '../ports/events.ts'
import type { PendingRequests } from '../requests/pending-requests.ts'
import { type OwnerRevocationParts, type RevokedCredential, revokeAllOf } from './owner-revocation.ts'
import type { RunningSaves } from './running-saves.ts'

/** Options of an offboarding. */
export interface OffboardingChoices {
  /** Providers to revoke besides the registered ones and those that the list names: for a backend that may not list. */
  readonly providers?: readonly string[] | undefined
  /** Also remove the marks of the revocations. Default false. */
  readonly purge?: boolean | undefined
  /** Only tell what would be revoked. Default false. */
  readonly dryRun?: boolean | undefined
}

/** The result of an offboarding. */
export interface Offboarded extends Owner {
  readonly dryRun: boolean
  readonly credentials: readonly RevokedCredential[]
  /** How many credentials, of all owners, the backend's list named. */
  readonly listed: number
  /** Empty if everything was ended. */
  readonly left: readonly NotEnded[]
}

export interface OffboardingParts {
  readonly credentials: OwnerRevocationParts['credentials']
  readonly endSessions: (owner: Owner, context: AccessContext) => Promise<void>
  readonly requests: Pick<PendingRequests, 'endAllOf'>
  readonly saves: RunningSaves
  readonly cutoff: Cutoff
  /** Tells the other replicas. */
  readonly announce: (owner: Owner) => Promise<void>
  /** Names of the registered providers. */
  readonly providers: () => Iterable<string>
  readonly journal: Pick<Journal, 'note'>
  readonly events: Pick<EventListeners, 'emit'>
}

/**
 * Returns the function that ends everything of one owner: browser sessions first, so that nothing is saved any more; then the requests and
 * the calls that wait for them; then every credential; then what running calls have read and not yet handed out; then the other replicas are
 * told. After it has resolved, no call of this process gets a value that it revoked.
 */
export function createOffboarding(parts: OffboardingParts) {
  const { credentials, endSessions, requests, saves, cutoff, announce, providers, journal, events } = parts

  return async function offboard(
    owner: Owner,
    { providers: named = [], purge = false, dryRun = false }: OffboardingChoices,
    context: AccessContext,
  ): Promise<Offboarded> {
    const left: NotEnded[] = []
    const attempt = async (what: NotEnded['what'], work: () => Promise<unknown>) => {
      try {
        await work()
      } catch (error) {
        if (!isCredentialVaultError(error)) throw error
        left.push({ what, error: error.code })
      }
    }
    const keyOf = (provider: string) => storageKey(provider, owner)
    const forced = { named: named.map(keyOf), known: [...providers()].map(keyOf) }
    if (!dryRun) {
      await attempt('browser_sessions', () => endSessions(owner, context))
      await attempt('pending_requests', () => requests.endAllOf(owner))
      // A save that passed its last check writes after all, and is revoked then.
      await saves.settled(owner)
    }
    let revoked: readonly RevokedCredential[] = []
    let listed = 0
    await attempt('credential_list', async () => {
      const done = await revokeAllOf(owner, { credentials, context, purge, dryRun, ...forced })
      revoked = done.credentials
      listed = done.listed
      if (done.damage) throw done.damage
    })
    for (const { provider, error } of revoked)
      if (error !== undefined) left.push({ what: 'credential', provider, error })
    if (!dryRun) {
      cutoff.cut(owner)
      await attempt('caches', () => announce(owner))
      // A release that passed the check before the cut has handed its values out when this turn is over.
      await nextTurn()
      const { actor, clientId, address, correlationId } = context
      const count = revoked.filter(({ result }) => result === 'revoked' || result === 'purged').length
      const outcome = left.length === 0 ? 'success' : 'failure'
      await journal.note({ type: 'admin.offboarded', outcome, owner, actor, clientId, address, count, correlationId })
      events.emit('offboarded', { owner, revoked: count, left, correlationId })
    }
    return { ...owner, dryRun, credentials: revoked, listed, left }
  }
}

export type Offboard = ReturnType<typeof createOffboarding>
