import { isCredentialVaultError } from '../model/errors.ts'
import type { PendingRequest, WaitEnd } from '../ports/pending-request.ts'
import type { PendingOutcome, PendingStore, StoredEntry } from '../ports/pending-store.ts'

/** How a request is, as its owner is told. */
export type RequestState = 'open' | 'claimed' | 'expired' | PendingOutcome

/**
 * Whether the owner's credential is there. `since` (`performance.now()`) is when the call was woken: what was saved by then must be seen,
 * and the call will read it next.
 */
export type HasCredential = (since?: number) => Promise<boolean>

export interface RequestWait {
  readonly store: PendingStore
  /** Woken when a credential of this owner and provider is saved, and when such a request ends. One for each valid web key. */
  readonly topics: readonly string[]
  readonly request: PendingRequest
  readonly hasCredential: HasCredential
  readonly signal: AbortSignal
  /** Called when the wait ends because a form was saved meanwhile, by whichever replica, with how many milliseconds ago that was. */
  readonly onSaved?: ((millisecondsAgo: number) => void) | undefined
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
export async function waitForEnd(wait: RequestWait): Promise<WaitEnd> {
  const { store, topics, request, signal } = wait
  let wakeUp: (() => void) | undefined
  let wokenAt: number | undefined
  let failures = 0
  const began = performance.now()
  signal.throwIfAborted()
  const onWake = () => {
    wokenAt = performance.now()
    wakeUp?.()
  }
  const stops: (() => void)[] = []
  // While the web key changes, entries of one owner are below more than one hash of the owner, and a store looks below one of them.
  const awaited = topics.length === 1 ? { key: request.key, waiterId: request.waiterId } : undefined
  try {
    for (const topic of topics) stops.push(await store.listen(topic, onWake, awaited))
    for (;;) {
      const since = wokenAt
      wokenAt = undefined
      const seen = await look(wait, began, since)
      if (seen !== 'open' && seen !== 'unknown') return seen
      failures = seen === 'unknown' ? failures + 1 : 0
      // Anyone who may publish in a shared store could wake the call without end.
      if (since !== undefined) await sleep(PAUSE_AFTER_WAKE, signal)
      if (wokenAt === undefined) {
        const pause = failures > 0 ? pauseAfter(failures) : Math.max(request.expiresAt - Date.now(), LEAST_SLEEP)
        await sleep(pause, signal, (wake) => {
          wakeUp = wake
        })
      }
      signal.throwIfAborted()
    }
  } finally {
    for (const stop of stops) stop()
  }
}

/**
 * Looks at the request once. `unknown`: the store or the backend is away, and the link may still be used. A call that was woken asks the
 * store and the backend side by side, because the credential is most likely there.
 */
async function look(
  { store, request, hasCredential, onSaved }: RequestWait,
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
        tellAge(entry, began, onSaved)
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

function tellAge({ closedAgo }: StoredEntry, began: number, onSaved: RequestWait['onSaved']): void {
  // What was saved before this wait began did not wake it.
  if (closedAgo !== undefined && closedAgo <= performance.now() - began) onSaved?.(closedAgo)
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

/** Resolves when woken, when aborted, or after the time. */
function sleep(milliseconds: number, signal: AbortSignal, onStart?: (wake: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    // An abort before now does not fire a listener that is added only now.
    if (signal.aborted) return resolve()
    const wake = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, milliseconds)
    signal.addEventListener('abort', wake)
    onStart?.(wake)
  })
}
