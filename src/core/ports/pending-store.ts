declare const keyBrand: unique symbol

/** SHA-256 of a link's handle, base64url: a dump of the store yields no link. */
export type PendingKey = string & { readonly [keyBrand]: true }

/** `open` → `claimed` (one submit is saving) → `closed`; `claimed` → `open` again when the save fails. */
export type PendingState = 'open' | 'claimed' | 'closed'

/** The cause for which a request was closed. */
export type PendingOutcome = 'saved' | 'cancelled' | 'declined'

export interface PendingEntry {
  readonly key: PendingKey
  /**
   * Keyed hash of owner, OAuth client and provider: at most one open request each. A slot belongs to exactly one owner: entries with the
   * same `slot` have the same `owner`, so a store may keep slots below their owner.
   */
  readonly slot: string
  /** Keyed hash of the owner: at most `maxOpenPerOwner` open requests each. */
  readonly owner: string
  /** The sealed request. It reveals nothing to a reader of the store. */
  readonly sealed: string
  /** Unix milliseconds after which the link no longer works. */
  readonly expiresAt: number
  /** Unix milliseconds until which a closed or expired entry can still be read, so that its owner is told how it ended. */
  readonly keepUntil: number
}

export interface StoredEntry extends PendingEntry {
  readonly state: PendingState
  readonly outcome?: PendingOutcome
  /** Milliseconds since it was closed, by the store's clock, which all processes share. Absent in a store that does not know it. */
  readonly closedAgo?: number
}

export interface OpenedEntry extends StoredEntry {
  /** Set if the call was not counted as waiting, because its owner has the most waiting calls in all processes together. */
  readonly mayNotWait?: true
}

/** A call that waits for an entry. */
export interface AwaitedEntry {
  readonly key: PendingKey
  /** As `openOrReuse` was given it. Absent for one that only listens for the end. */
  readonly waiterId?: string | undefined
}

/** A limit that a request counts against. */
export interface UseLimit {
  /** Keyed hash of the limit and of the user, address or network that it is for. */
  readonly key: string
  /** Most uses within a window, 1 or more. */
  readonly most: number
}

/** A web key that some process uses. */
export interface WebKeyInUse {
  /** Eight hex digits of a hash, as `mcp-credential-vault keygen --id` prints them. */
  readonly id: string
  /** When a process last said so. It says so each minute, and takes it back at an orderly end. */
  readonly seenAt: Date
  /** When this lapses, if no process says so again. */
  readonly countsUntil: Date
}

/**
 * Stores pending requests. All methods are asynchronous and atomic across every process that shares the store. Errors: `unavailable` when
 * the store cannot be reached, `pending_store_full` from `openOrReuse`. Times are Unix milliseconds.
 */
export interface PendingStore {
  readonly name: string
  /** Whether the entries outlive this process or are shared with others. If so, a web key must be configured. */
  readonly shared: boolean
  /** Connects, and refuses a store that must not be used. Called once, before the other methods. Absent where there is nothing to open. */
  open?(): Promise<void>
  /**
   * Inserts `entry` and returns it. If its slot has an entry that is open or claimed and not expired, returns that one instead. With
   * `waiterId`, the same step counts the call as waiting for the returned entry until it expires. A shared store may forget a call that
   * has not asked for the entry with its `waiterId` for half a minute, because its process may be dead. It also counts the waiting calls of
   * the owner in all processes: with `mostWaiting` of them, it does not count this one, and sets `mayNotWait`. A store of one process may
   * ignore `mostWaiting`, because its caller counts.
   */
  openOrReuse(entry: PendingEntry, waiterId?: string, mostWaiting?: number): Promise<OpenedEntry>
  /**
   * Returns the entry. With `waiterId`, the call is counted as waiting from now on, if it may have been forgotten. `owners` are the hashes
   * of the person who asks: a store that keeps entries below their owners then looks there alone, and returns nothing for an entry of
   * somebody else, as quickly as for none. A store may ignore them, because its caller compares the owner that is sealed in the entry.
   */
  get(key: PendingKey, waiterId?: string, owners?: readonly string[]): Promise<StoredEntry | undefined>
  /**
   * Turns `open` and not expired into `claimed`, for one caller only. The claim lapses by itself at `until`, so that a crash leaves the
   * link usable. The holder may claim again to extend it. Resolves false if another caller holds the claim or the entry is not open.
   */
  claim(key: PendingKey, claimId: string, until: number): Promise<boolean>
  /** Turns `claimed` into `open` if `claimId` still holds it. */
  unclaim(key: PendingKey, claimId: string): Promise<void>
  /**
   * Turns any state into `closed` and frees the slot. Keeps the first outcome if it is closed already. Resolves whether this call closed
   * it. With `topics`, the same step wakes them, whether or not it closed anything.
   */
  close(key: PendingKey, outcome: PendingOutcome, topics?: readonly string[]): Promise<boolean>
  /**
   * Closes every entry of this owner that is not closed, even if it is claimed or awaited, and frees its slot. Resolves to the closed
   * entries as they are stored afterwards. It does not wake their topics: the caller does. Entries that are opened afterwards are not
   * affected. Absent where entries cannot be found by their owner; an offboarding then leaves them until they expire.
   */
  closeAll?(owner: string, outcome: PendingOutcome): Promise<readonly StoredEntry[]>
  /** Removes one waiting call from the request. */
  leave(key: PendingKey, waiterId: string): Promise<void>
  /**
   * Turns `open` into `closed` with this outcome, unless a call is waiting for it. Resolves whether it did. With `topics`, the same step then
   * wakes them.
   */
  closeUnlessAwaited(key: PendingKey, outcome: PendingOutcome, topics?: readonly string[]): Promise<boolean>
  /**
   * Calls `onWake` for every later `wake` of the topic, from any process. A store that may lose a wake also calls it from time to time, so
   * that the caller looks at its entry. With `awaited`, the store may look itself, for many calls in one step, and keep the call counted
   * as waiting. It then calls `onWake` within the same time if the entry is gone, has ended or was ever claimed, if anything of its owner
   * was claimed or ended in the last minute, and if it cannot tell. It still calls it once a minute, because the owner's credential may be
   * saved in another way. Resolves to the function that stops listening.
   */
  listen(topic: string, onWake: () => void, awaited?: AwaitedEntry): Promise<() => void>
  /**
   * Counts one use against a limit, in windows of `milliseconds` that begin with their first use, over every process; default one minute.
   * Limits of wider networks follow the first one, in the same order for the same first key: if one of them is used up, the use is not
   * counted. Resolves to 0, or to the milliseconds until the window ends whose limit is used up. Absent in a store of one process, whose
   * caller counts.
   */
  countUse?(limits: readonly [UseLimit, ...UseLimit[]], milliseconds?: number): Promise<number>
  /** Wakes every listener of the topic in every process. It carries no data: a listener reads the store and the backend. */
  wake(topic: string): Promise<void>
  /**
   * Says for three minutes that this process uses the web key of this id, and resolves to the keys that any process has said it uses.
   * Without `own` it only reads. An id reveals nothing of its key. Absent in a store of one process.
   */
  webKeysInUse?(own?: string): Promise<readonly WebKeyInUse[]>
  /** Takes back what this process has said with `webKeysInUse`, because it ends. */
  endWebKeyUse?(): Promise<void>
  shutdown(): Promise<void>
}
