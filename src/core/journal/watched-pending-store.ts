import { withWrappedMethods } from '../host/wrapped-methods.ts'
import { type CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import type { PendingStore } from '../ports/pending-store.ts'
import type { Health } from './health.ts'
import { reasonOf } from './refusal-event.ts'

/** Methods that ask the store itself. `listen` may be answered by this process. */
const WATCHED: ReadonlySet<PropertyKey> = new Set<keyof PendingStore>([
  'openOrReuse',
  'get',
  'claim',
  'unclaim',
  'close',
  'closeAll',
  'leave',
  'closeUnlessAwaited',
  'countUse',
  'wake',
])

/** Reasons that say nothing about the store: a limit of one user, a caller that gave up, the end of this process. */
const OF_THE_CALLER: ReadonlySet<unknown> = new Set(['owner_full', 'aborted', 'closed'])

/** Reasons of a store that answers other operations meanwhile. */
const REFUSALS: ReadonlySet<unknown> = new Set(['redis_full', 'redis_refused', 'redis_behind'])

/**
 * Wraps a pending store so that the outcome of each operation is reported to health as `pending-store`, whoever asked: a call, a page or a
 * probe. Any answer takes back an outage. A refusal lasts until the same operation, or the opening of a request, works again, because a
 * full store still answers reads.
 */
export function watchedPendingStore(store: PendingStore, health: Pick<Health, 'failed' | 'recovered'>): PendingStore {
  let refused: PropertyKey | undefined

  function failed(method: PropertyKey, error: unknown): void {
    const known = isCredentialVaultError(error)
    if (known && OF_THE_CALLER.has(error.reason)) return
    refused = known && isRefusal(error) ? method : undefined
    health.failed('pending-store', reasonOf(error), known ? error.message : undefined)
  }

  function answered(method: PropertyKey): void {
    if (refused !== undefined && refused !== method && method !== 'openOrReuse') return
    refused = undefined
    health.recovered('pending-store')
  }

  return withWrappedMethods(store, (name, method) => {
    if (!WATCHED.has(name)) return method
    return async (...parameters) => {
      try {
        const answer = await method(...parameters)
        answered(name)
        return answer
      } catch (error) {
        failed(name, error)
        throw error
      }
    }
  })
}

function isRefusal({ code, reason }: CredentialVaultError): boolean {
  return code === 'forbidden' || code === 'pending_store_full' || REFUSALS.has(reason)
}
