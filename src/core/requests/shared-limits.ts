import type { Sealer, SealerPurposes } from '../crypto/seal.ts'
import { isCredentialVaultError } from '../model/errors.ts'
import type { PendingStore, UseLimit } from '../ports/pending-store.ts'

/**
 * Counts one use of a kind over all replicas, as `PendingStore.countUse` specifies, by keys that need not be hashed. Resolves to the
 * milliseconds to wait, 0 for none, or to undefined if the store is away: each replica then counts for itself, so that limits still bound
 * what one replica serves, and an operator can still offboard a user.
 */
export type CountUse = (
  kind: 'pages' | 'logins' | 'submits' | 'admin' | 'notices',
  limits: readonly [UseLimit, ...UseLimit[]],
  milliseconds?: number,
) => Promise<number | undefined>

export const LIMIT_PURPOSES = { seal: [], mac: ['limit'] } as const satisfies SealerPurposes

/** Returns undefined for a store of one process. The store learns keyed hashes: addresses are few enough to try all of them. */
export function createSharedLimits(
  store: Pick<PendingStore, 'countUse'>,
  sealer: Pick<Sealer<never, 'limit'>, 'mac'>,
): CountUse | undefined {
  if (!store.countUse) return undefined
  return async (kind, [own, ...wider], milliseconds) => {
    const hashed = ({ key, most }: UseLimit): UseLimit => ({
      key: sealer.mac('limit', kind, key).toString('base64url'),
      most,
    })
    try {
      return await store.countUse?.([hashed(own), ...wider.map(hashed)], milliseconds)
    } catch (error) {
      if (isCredentialVaultError(error, 'unavailable')) return undefined
      throw error
    }
  }
}
