import type { AwaitedEntry } from '../../core/ports/pending-store.ts'
import type { EntryLooks, OwnedCall } from './entry-looks.ts'

/** A waiting call looks at its request this often, in milliseconds, give or take a fifth, because a wake may be lost. */
const LOOK_EVERY = 10_000
/** The same for a look at the backend too, where the credential may have been saved in another way. */
const BACKEND_EVERY = 60_000
/** While Redis is away. */
const AGAIN_AFTER = 1_000
/** Milliseconds between two turns. Not all calls look in one turn, because a full server would hear no wakes meanwhile. */
const TURN_EVERY = 250
/** Calls that usually look in one turn: each for itself, and at whose entries is looked together. */
const MOST_ALONE = 500
const MOST_TOGETHER = 2_000
/** Turns in which all calls look, however many wait: no look may be later than the lease that it renews. */
const TURNS_FOR_ALL = (0.8 * LOOK_EVERY) / TURN_EVERY

/** Lets the waiting calls of this process look at their requests from time to time. One timer serves all of them. */
export interface Looks {
  /**
   * Lets the call look from now on. A call may be added several times. With `awaited`, its entry is looked at together with those of other
   * calls, and the call itself looks only if that leaves a doubt, and once a minute. Returns the function that removes it once.
   */
  add(look: () => void, awaited?: AwaitedEntry): () => void
  /** Messages may have been lost: looks at all entries as soon as possible, and lets all calls look within the usual time. */
  all(): void
  close(): void
}

export interface LooksParts {
  readonly entries: EntryLooks
  /** Returns where the keys of the entry's owner are; undefined if this process does not know it. */
  readonly rootOf: (key: AwaitedEntry['key']) => string | undefined
}

/** One waiting call. Times are by `performance.now()`. */
interface Call {
  readonly look: () => void
  readonly awaited: AwaitedEntry | undefined
  /** The same, once the owner is known. */
  owned: (OwnedCall & { readonly call: Call }) | undefined
  /** When its entry is looked at next. `Infinity` while it is. */
  at: number
  /** When the call looks for itself next. */
  itselfAt: number
  times: number
}

export function createLooks({ entries, rootOf }: LooksParts): Looks {
  const calls = new Map<() => void, Call>()
  let timer: NodeJS.Timeout | undefined

  function letLook(call: Call): void {
    call.at = soon(LOOK_EVERY)
    call.itselfAt = call.awaited ? soon(BACKEND_EVERY) : call.at
    // One that throws does not stop the others.
    queueMicrotask(call.look)
  }

  async function lookAt(batch: readonly NonNullable<Call['owned']>[]): Promise<void> {
    const unsure = await entries.unsure(batch)
    for (const { call } of batch)
      if (call.at === Number.POSITIVE_INFINITY) call.at = soon(unsure ? LOOK_EVERY : AGAIN_AFTER)
    for (const { call } of unsure ?? []) if (calls.get(call.look) === call) letLook(call)
  }

  /** Returns the call with its owner's root, unless it has to look for itself. */
  function ownedOf(call: Call, now: number): Call['owned'] {
    const { awaited } = call
    if (!awaited || call.itselfAt <= now) return undefined
    const root = call.owned?.root ?? rootOf(awaited.key)
    if (root !== undefined) call.owned ??= { ...awaited, root, call }
    return call.owned
  }

  function turn(): void {
    const now = performance.now()
    const together: NonNullable<Call['owned']>[] = []
    const left = (usual: number) => Math.max(usual, Math.ceil(calls.size / TURNS_FOR_ALL))
    let [leftAlone, leftTogether] = [left(MOST_ALONE), left(MOST_TOGETHER)]
    for (const [look, call] of calls) {
      if (call.at > now && call.itselfAt > now) continue
      const owned = ownedOf(call, now)
      if ((owned ? leftTogether : leftAlone) === 0) continue
      // To the end, so that those who have not looked come first.
      calls.delete(look)
      calls.set(look, call)
      if (owned) {
        leftTogether -= 1
        call.at = Number.POSITIVE_INFINITY
        together.push(owned)
      } else {
        leftAlone -= 1
        letLook(call)
      }
    }
    for (const batch of entries.batches(together)) void lookAt(batch)
  }

  function remove(look: () => void, call: Call): void {
    call.times -= 1
    if (call.times > 0 || calls.get(look) !== call) return
    calls.delete(look)
    if (calls.size === 0) stop()
  }

  function stop(): void {
    clearInterval(timer)
    timer = undefined
  }

  return {
    add(look, awaited) {
      const at = soon(LOOK_EVERY)
      const itselfAt = awaited ? soon(BACKEND_EVERY) : at
      const call = calls.get(look) ?? { look, awaited, owned: undefined, at, itselfAt, times: 0 }
      call.times += 1
      calls.set(look, call)
      timer ??= setInterval(turn, TURN_EVERY).unref()
      let isAdded = true
      return () => {
        if (isAdded) remove(look, call)
        isAdded = false
      }
    },

    all() {
      const now = performance.now()
      for (const call of calls.values()) {
        call.at = now
        // Redis may have lost what it knew, and a look at the backend costs too much for all to do it at once.
        call.itselfAt = call.awaited ? Math.min(call.itselfAt, now + LOOK_EVERY * Math.random()) : now
      }
      turn()
    },

    close() {
      stop()
      calls.clear()
    },
  }
}

/** Returns the time after so many milliseconds, give or take a fifth. */
function soon(milliseconds: number): number {
  return performance.now() + milliseconds * (0.8 + 0.4 * Math.random())
}
