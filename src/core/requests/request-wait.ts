import { setTimeout as delay } from 'node:timers/promises'
import { isCredentialVaultError } from '../model/errors.ts'
import type { PendingRequest, WaitEnd } from '../ports/pending-request.ts'
import type { PendingOutcome, PendingStore, StoredEntry } from '../ports/pending-store.ts'

/** How a request is, as its owner is told. */
export type RequestState = 'open' | 'claimed' | 'expired' | PendingOutcome

/**
 * Whether the owner's credential is there. `since` (`performance.now()`) is when the call was woken: what was saved by then must be seen.
 */
export type HasCredential = (since?: number) => Promise<boolean>

export interface RequestWait {
  readonly store: PendingStore
  /** Woken when a credential of this owner and provider is saved, and when such a request ends. One for each valid web key. */
  readonly topics: readonly string[]
  readonly request: PendingRequest
  readonly hasCredential: HasCredential
  readonly signal: AbortSignal
  readonly observer?: WaitObserver | undefined
}

/** Hears of waits, to measure them. */
export interface WaitObserver {
  begun(provider: string): void
  /** The wait ends because a form was saved meanwhile, by whichever replica, so many milliseconds ago. */
  woken(provider: string, millisecondsAgo: number): void
  /** @param began as `performance.now()` counts */
  ended(provider: string, began: number, end: WaitEnd | 'left' | { readonly error: unknown }): void
}

/** Milliseconds between two looks at a request that is being saved although its link has expired. */
const LEAST_SLEEP = 250
/** Milliseconds between two looks after a wake that found nothing. */
const PAUSE_AFTER_WAKE = 100
/**
 * Milliseconds after which a waiting call looks again if it could not see how its request is. The pause doubles and has jitter: thousands
 * of calls that ask a slow store again each second would keep it slow.
 */
const LOOK_AGAIN_AFTER = 1_000
const LONGEST_PAUSE = 10_000

/** Waits as `PendingRequests.wait` promises. The call still counts as waiting when this ends. */
export function waitForEnd(wait: RequestWait): Promise<WaitEnd> {
  return new Promise((resolve, reject) => void new OpenWait(wait, resolve, reject).begin())
}

/** One object and no suspended function, because many thousand calls wait for minutes. */
class OpenWait {
  readonly #wait: RequestWait
  readonly #resolve: (end: WaitEnd) => void
  readonly #reject: (reason: unknown) => void
  readonly #began = performance.now()
  readonly #stops: (() => void)[] = []
  #sleeping: NodeJS.Timeout | undefined
  #failures = 0
  #isLooking = true
  /** As `performance.now()` counts; undefined if it was not woken since the last look began. */
  #wokenAt: number | undefined
  #isOver = false

  constructor(wait: RequestWait, resolve: (end: WaitEnd) => void, reject: (reason: unknown) => void) {
    this.#wait = wait
    this.#resolve = resolve
    this.#reject = reject
  }

  async begin(): Promise<void> {
    const { store, topics, request, signal, observer } = this.#wait
    observer?.begun(request.provider)
    // While the web key changes, entries of one owner are below more than one hash of the owner, and a store looks below one of them.
    const awaited = topics.length === 1 ? { key: request.key, waiterId: request.waiterId } : undefined
    try {
      signal.throwIfAborted()
      signal.addEventListener('abort', this)
      for (const topic of topics) this.#stops.push(await store.listen(topic, () => this.#wake(), awaited))
    } catch (error) {
      return this.#fail(error)
    }
    return this.#look()
  }

  /** The signal has aborted. A look that is under way may still find the end. */
  handleEvent(): void {
    if (!this.#isLooking) this.#fail(this.#wait.signal.reason)
  }

  #wake(): void {
    this.#wokenAt = performance.now()
    if (!this.#isLooking) void this.#look()
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    clearTimeout(this.#sleeping)
    this.#sleeping = undefined
    const { signal } = this.#wait
    try {
      for (;;) {
        const since = this.#wokenAt
        this.#wokenAt = undefined
        const seen = await look(this.#wait, this.#began, since)
        if (seen !== 'open' && seen !== 'unknown') return this.#end(seen)
        this.#failures = seen === 'unknown' ? this.#failures + 1 : 0
        // Anyone who may publish in a shared store could wake the call without end.
        if (since !== undefined) await delay(PAUSE_AFTER_WAKE, undefined, { signal }).catch(() => undefined)
        signal.throwIfAborted()
        if (this.#wokenAt === undefined) break
      }
      this.#sleep()
    } catch (error) {
      this.#fail(error)
    }
  }

  #sleep(): void {
    this.#isLooking = false
    const left = Math.max(this.#wait.request.expiresAt - Date.now(), LEAST_SLEEP)
    this.#sleeping = setTimeout(OpenWait.#lookAgain, this.#failures > 0 ? pauseAfter(this.#failures) : left, this)
  }

  // Shared by all timers.
  static #lookAgain(wait: OpenWait): void {
    void wait.#look()
  }

  #end(end: WaitEnd): void {
    this.#stop(end)
    this.#resolve(end)
  }

  #fail(error: unknown): void {
    // The client has gone, or the time for an answer is over; the link stays.
    this.#stop(this.#wait.signal.aborted ? 'left' : { error })
    this.#reject(error)
  }

  #stop(end: WaitEnd | 'left' | { readonly error: unknown }): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#sleeping)
    for (const stop of this.#stops) stop()
    const { request, signal, observer } = this.#wait
    signal.removeEventListener('abort', this)
    observer?.ended(request.provider, this.#began, end)
  }
}

/**
 * Looks at the request once. `unknown`: the store or the backend is away, and the link may still be used. A call that was woken asks the
 * store and the backend side by side, because the credential is most likely there.
 */
async function look(
  { store, request, hasCredential, observer }: RequestWait,
  began: number,
  since: number | undefined,
): Promise<WaitEnd | 'open' | 'unknown'> {
  try {
    const asked = store.get(request.key, request.waiterId)
    const beside = since === undefined ? undefined : hasCredential(since)
    const besideDone = beside?.catch(() => undefined)
    const entry = await asked
    const end = entry && endOf(entry)
    if (entry && end) {
      if (end === 'saved') {
        tellAge(entry, began, request.provider, observer)
        await besideDone
      }
      return end
    }
    // Another client's request of the same owner may have saved the credential, or a shared store may have forgotten that this one did.
    if (await (beside ?? hasCredential())) {
      if (entry) await store.close(request.key, 'saved')
      return 'saved'
    }
    return entry ? 'open' : 'expired'
  } catch (error) {
    const isPassing = isCredentialVaultError(error, 'unavailable') && error.retryable
    if (!isPassing || Date.now() >= request.expiresAt) throw error
    return 'unknown'
  }
}

function endOf(entry: StoredEntry): WaitEnd | undefined {
  const state = stateOf(entry)
  return state === 'open' || state === 'claimed' ? undefined : state
}

function tellAge(
  { closedAgo }: StoredEntry,
  began: number,
  provider: string,
  observer: WaitObserver | undefined,
): void {
  // What was saved before this wait began did not wake it.
  if (closedAgo !== undefined && closedAgo <= performance.now() - began) observer?.woken(provider, closedAgo)
}

function pauseAfter(failures: number): number {
  const longest = Math.min(LONGEST_PAUSE, LOOK_AGAIN_AFTER * 2 ** Math.min(failures - 1, 10))
  return longest * (0.75 + 0.25 * Math.random())
}

export function stateOf(entry: StoredEntry): RequestState {
  if (entry.state === 'closed') return entry.outcome ?? 'cancelled'
  // A submit that claimed the link in time may still be saving when the link expires.
  if (entry.state === 'open' && Date.now() >= entry.expiresAt) return 'expired'
  return entry.state
}
