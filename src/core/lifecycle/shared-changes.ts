import { z } from 'zod'
import type { Sealer, SealerPurposes } from '../crypto/seal.ts'
import { newCorrelationId } from '../model/correlation-id.ts'
import type { Owner } from '../model/owner.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { ChangeFeed } from '../ports/change-feed.ts'

/** What a replica does when another one has changed something. */
export interface ChangeHandlers {
  /** Drops what is cached of the credential. */
  readonly forget: (key: Pick<StorageKey, 'path'>) => void
  /** Drops everything that is cached, because messages may have been lost. */
  readonly forgetAll: () => void
  /** Cuts off what is running for an owner who was offboarded. */
  readonly cut: (owner: Owner) => void
}

/** Tells the other replicas of changes, and hears theirs. Without a feed it does nothing. */
export interface SharedChanges {
  /** Announces that a credential may have changed. Never waits and never fails: the caches of the others also end by themselves. */
  credential(key: Pick<StorageKey, 'path'>): void
  /** Announces that an owner was offboarded. */
  offboarded(owner: Owner): void
  /** Hears the other replicas from now on. */
  listen(handlers: ChangeHandlers): Promise<void>
  /** Waits for announcements under way, and closes the feed. */
  close(): Promise<void>
}

export const CHANGE_PURPOSES = { seal: ['change'], mac: [] } as const satisfies SealerPurposes

/** Milliseconds after which a recorded message can no longer be sent again. */
const MESSAGE_LASTS = 60_000
/** More are not announced, so that an outage of the feed does not fill the memory. */
const MOST_UNDER_WAY = 1_000

const messageSchema = z.union([
  z.strictObject({ from: z.string(), path: z.string() }),
  z.strictObject({ from: z.string(), owner: z.strictObject({ issuer: z.string(), subject: z.string() }) }),
])

export function createSharedChanges(feed: ChangeFeed | undefined, sealer: Sealer<'change', never>): SharedChanges {
  const self = newCorrelationId()
  const underWay = new Set<Promise<void>>()

  function announce(change: { readonly path: string } | { readonly owner: Owner }): void {
    if (!feed || underWay.size >= MOST_UNDER_WAY) return
    const message = sealer.seal('change', { from: self, ...change }, Date.now() + MESSAGE_LASTS)
    const sent = feed
      .publish(message)
      .catch(() => undefined)
      .finally(() => underWay.delete(sent))
    underWay.add(sent)
  }

  return {
    credential: ({ path }) => announce({ path }),
    offboarded: ({ issuer, subject }) => announce({ owner: { issuer, subject } }),

    async listen({ forget, forgetAll, cut }) {
      await feed?.listen((message) => {
        const change = messageSchema.safeParse(sealer.open('change', message))
        if (!change.success || change.data.from === self) return
        if ('path' in change.data) forget(change.data)
        else cut(change.data.owner)
      }, forgetAll)
    },

    async close() {
      await Promise.allSettled(underWay)
      await feed?.close()
    },
  }
}

/** Returns the function that drops a credential from this process's cache and from those of the other replicas. */
export function forgetEverywhere(
  reader: Pick<ChangeHandlers, 'forget'>,
  changes: SharedChanges,
): (key: Pick<StorageKey, 'path'>) => void {
  return (key) => {
    reader.forget(key)
    changes.credential(key)
  }
}
