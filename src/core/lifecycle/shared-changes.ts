import { z } from 'zod'
import type { Sealer, SealerPurposes } from '../crypto/seal.ts'
import { withDeadline } from '../host/deadline.ts'
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

/** Tells the other replicas of changes, and learns of theirs. Without a feed it does nothing. */
export interface SharedChanges {
  /** Announces that a credential may have changed. Never waits and never fails: the caches of the others also end by themselves. */
  credential(key: Pick<StorageKey, 'path'>): void
  /**
   * Announces that an owner was offboarded, and whatever could not be announced before. Resolves once the feed has taken both.
   *
   * @throws `unavailable` after two seconds at most
   */
  offboarded(owner: Owner): Promise<void>
  /** Learns of the changes of other replicas from now on. */
  listen(handlers: ChangeHandlers): Promise<void>
  /** Waits for announcements under way, and closes the feed. */
  close(): Promise<void>
}

export const CHANGE_PURPOSES = { seal: ['change'], mac: [] } as const satisfies SealerPurposes

/** Milliseconds after which a recorded message can no longer be sent again. */
const MESSAGE_LASTS = 60_000
/** More are replaced by one message that tells the others to drop everything, so that a slow feed does not fill the memory. */
const MOST_UNDER_WAY = 1_000
/** Milliseconds for which an offboarding waits. */
const OFFBOARDING_WAITS = 2_000

const messageSchema = z.union([
  z.strictObject({ from: z.string(), path: z.string() }),
  z.strictObject({ from: z.string(), owner: z.strictObject({ issuer: z.string(), subject: z.string() }) }),
  z.strictObject({ from: z.string(), everything: z.literal(true) }),
])

type Change = { readonly path: string } | { readonly owner: Owner } | { readonly everything: true }

export function createSharedChanges(feed: ChangeFeed | undefined, sealer: Sealer<'change', never>): SharedChanges {
  const self = newCorrelationId()
  const underWay = new Set<Promise<void>>()

  /** Whether a change was not announced, so that the others may still use what it replaced. */
  let isBehind = false

  async function send(change: Change): Promise<void> {
    await feed?.publish(sealer.seal('change', { from: self, ...change }, Date.now() + MESSAGE_LASTS))
  }

  /** Never rejects. */
  async function announce(change: Change): Promise<void> {
    if (!feed) return
    if (underWay.size >= MOST_UNDER_WAY) {
      isBehind = true
      return
    }
    const sent: Promise<void> = send(change)
      .then(
        () => true,
        () => false,
      )
      .then(async (isSent) => {
        underWay.delete(sent)
        if (!isSent) isBehind = true
        else if (isBehind) {
          isBehind = false
          await announce({ everything: true })
        }
      })
    underWay.add(sent)
    await sent
  }

  async function catchUp(): Promise<void> {
    await Promise.all(underWay)
    if (!isBehind) return
    isBehind = false
    try {
      await send({ everything: true })
    } catch (error) {
      isBehind = true
      throw error
    }
  }

  return {
    credential: ({ path }) => void announce({ path }),

    async offboarded({ issuer, subject }) {
      if (!feed) return
      const told = async () => void (await Promise.all([send({ owner: { issuer, subject } }), catchUp()]))
      await withDeadline(`The change feed ${feed.name}`, OFFBOARDING_WAITS, told)
    },

    async listen({ forget, forgetAll, cut }) {
      await feed?.listen((message) => {
        const change = messageSchema.safeParse(sealer.open('change', message))
        if (!change.success || change.data.from === self) return
        if ('path' in change.data) forget(change.data)
        else if ('owner' in change.data) cut(change.data.owner)
        else forgetAll()
      }, forgetAll)
    },

    async close() {
      while (underWay.size > 0) await Promise.all(underWay)
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
