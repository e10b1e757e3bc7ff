import { setImmediate as nextTurn } from 'node:timers/promises'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { RedisClient } from './redis-client.ts'

/** Milliseconds within which a Redis replica has to confirm a change. */
const REPLICA_WITHIN = 1_000
/** Milliseconds for the answer, which may have to wait for two confirmations before it. */
export const CONFIRMED_WITHIN = 4 * REPLICA_WITHIN

/** Waits for Redis replicas. */
export interface Confirmations {
  /** Resolves whether a Redis replica has all changes that this connection has made so far. */
  confirmed(client: RedisClient): Promise<boolean>
}

/** One `WAIT` serves all changes whose answers came together, so that a replica that hangs delays each of them once and not in turn. */
export function createConfirmations(): Confirmations {
  const coming = new WeakMap<RedisClient, Promise<boolean>>()

  async function wait(client: RedisClient): Promise<boolean> {
    await nextTurn()
    coming.delete(client)
    return Number(await client.send(['WAIT', '1', String(REPLICA_WITHIN)])) >= 1
  }

  return {
    confirmed(client) {
      const shared = coming.get(client) ?? wait(client)
      coming.set(client, shared)
      return shared
    },
  }
}

export function notReplicated(where: string): CredentialVaultError {
  return new CredentialVaultError(
    'unavailable',
    `No replica of ${where} confirmed the change in time, so a fail-over could undo it. Check the replicas, then try again.`,
    { reason: 'redis_behind', retryable: true },
  )
}
