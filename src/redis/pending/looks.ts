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
/** Turns that the wheel knows ahead: enough for the longest time between two looks. */
const SPOKES = 64
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
  /** Where it waits for its next turn. Undefined while its entry is looked at, and after it has left. */
  queue: Set<Call> | undefined
  /** When the call looks for itself next. */
  itselfAt: number
  times: number
}

type Owned = NonNullable<Call['owned']>

export function createLooks({ entries, rootOf }: LooksParts): Looks {
  const calls = new Map<() => void, Call>()
  /** Calls by the turn in which they are due, so that a turn does not go through all of them. */
  const wheel = Array.from({ length: SPOKES }, () => new Set<Call>())
  /** Those whose turn has come, the longest due first. */
  const due = new Set<Call>()
  let timer: NodeJS.Timeout | undefined
  let lastTurn = 0

  function enqueue(call: Call, queue: Set<Call> | undefined): void {
    call.queue?.delete(call)
    call.queue = queue?.add(call)
  }

  function lookWithin(call: Call, milliseconds: number): void {
    const at = Math.min(soon(milliseconds), call.itselfAt)
    // A turn that has begun already has taken what it found.
    const turns = Math.max(turnAt(at), turnAt(performance.now()) + 1)
    enqueue(call, wheel[turns % SPOKES])
  }

  function letLook(call: Call): void {
    call.itselfAt = soon(call.awaited ? BACKEND_EVERY : LOOK_EVERY)
    lookWithin(call, LOOK_EVERY)
    // One that throws does not stop the others.
    queueMicrotask(call.look)
  }

  async function lookAt(batch: readonly Owned[]): Promise<void> {
    const unsure = await entries.unsure(batch)
    // Those that have left, or are due again already, are left alone.
    const isBack = (call: Call) => calls.get(call.look) === call && call.queue === undefined
    const back = batch.filter(({ call }) => isBack(call))
    for (const { call } of back) lookWithin(call, unsure ? LOOK_EVERY : AGAIN_AFTER)
    for (const { call } of unsure ?? []) {
      if (calls.get(call.look) !== call) continue
      // Next turn, because all may be unsure at once, and only so many may look for themselves in one turn.
      call.itselfAt = performance.now()
      enqueue(call, due)
    }
  }

  /** Returns the call with its owner's root, unless it has to look for itself. */
  function ownedOf(call: Call, now: number): Call['owned'] {
    const { awaited } = call
    if (!awaited || call.itselfAt <= now) return undefined
    const root = call.owned?.root ?? rootOf(awaited.key)
    if (root !== undefined) call.owned ??= { ...awaited, root, call }
    return call.owned
  }

  function collectDue(now: number): void {
    const thisTurn = turnAt(now)
    for (let at = Math.max(lastTurn + 1, thisTurn - SPOKES + 1); at <= thisTurn; at += 1)
      for (const call of wheel[at % SPOKES] ?? []) enqueue(call, due)
    lastTurn = thisTurn
  }

  function turn(): void {
    const now = performance.now()
    collectDue(now)
    const together: Owned[] = []
    const left = (usual: number) => Math.max(usual, Math.ceil(calls.size / TURNS_FOR_ALL))
    let [leftAlone, leftTogether] = [left(MOST_ALONE), left(MOST_TOGETHER)]
    for (const call of due) {
      const owned = ownedOf(call, now)
      if (leftAlone === 0 && leftTogether === 0) break
      if ((owned ? leftTogether : leftAlone) === 0) continue
      if (owned) {
        leftTogether -= 1
        enqueue(call, undefined)
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
    enqueue(call, undefined)
    if (calls.size === 0) stop()
  }

  function stop(): void {
    clearInterval(timer)
    timer = undefined
  }

  function start(): void {
    lastTurn = turnAt(performance.now())
    timer = setInterval(turn, TURN_EVERY).unref()
  }

  function added(look: () => void, awaited: AwaitedEntry | undefined): Call {
    const itselfAt = soon(awaited ? BACKEND_EVERY : LOOK_EVERY)
    const call: Call = { look, awaited, owned: undefined, queue: undefined, itselfAt, times: 0 }
    if (!timer) start()
    calls.set(look, call)
    lookWithin(call, LOOK_EVERY)
    return call
  }

  return {
    add(look, awaited) {
      const call = calls.get(look) ?? added(look, awaited)
      call.times += 1
      let isAdded = true
      return () => {
        if (isAdded) remove(look, call)
        isAdded = false
      }
    },

    all() {
      const now = performance.now()
      for (const call of calls.values()) {
        // Redis may have lost what it knew, and a look at the backend costs too much for all to do it at once.
        call.itselfAt = call.awaited ? Math.min(call.itselfAt, now + LOOK_EVERY * Math.random()) : now
        enqueue(call, due)
      }
      turn()
    },

    close() {
      stop()
      for (const call of calls.values()) enqueue(call, undefined)
      calls.clear()
    },
  }
}

function turnAt(time: number): number {
  return Math.floor(time / TURN_EVERY)
}

/** Returns the time after so many milliseconds, give or take a fifth. */
function soon(milliseconds: number): number {
  return performance.now() + milliseconds * (0.8 + 0.4 * Math.random())
}
