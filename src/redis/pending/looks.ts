import type { AwaitedEntry } from '../../core/ports/pending-store.ts'
import type { EntryLooks, OwnedCall } from './entry-looks.ts'
import { createTickSchedule, TICK } from './tick-schedule.ts'

/** A waiting call looks at its request this often, in milliseconds, give or take a fifth, because a wake may be lost. */
const LOOK_EVERY = 10_000
/** The same for a look at the backend too, where the credential may have been saved in another way. */
const BACKEND_EVERY = 60_000
/** While Redis is away. */
const AGAIN_AFTER = 1_000
/**
 * Most calls that usually look in one tick: those that look themselves, and those whose entries a script looks at. A full server would get
 * no wakes while all of its calls look at once.
 */
const MOST_ALONE = 500
const MOST_TOGETHER = 2_000
/** Ticks in which all calls look, however many wait: no look may be later than the lease that it renews. */
const TICKS_FOR_ALL = (0.8 * LOOK_EVERY) / TICK

/** Lets the waiting calls of this process look at their requests from time to time. One timer serves all of them. */
export interface Looks {
  /**
   * Lets the call look from now on. A call may be added several times. With `awaited`, one script looks at its entry and those of other
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

interface Call {
  readonly look: () => void
  readonly awaited: AwaitedEntry | undefined
  /** Where the keys of the entry's owner are, once that is known: `rootOf` may forget it. */
  root: string | undefined
  /** When the call looks itself next, by `performance.now()`. */
  itselfAt: number
  /** How often it was added. */
  times: number
}

/** The entry of a call, for a script to look at. */
interface EntryOfCall extends OwnedCall {
  readonly call: Call
}

export function createLooks({ entries, rootOf }: LooksParts): Looks {
  const calls = new Map<() => void, Call>()
  /** A call is not in it while a script looks at its entry. */
  const schedule = createTickSchedule<Call>()
  let timer: NodeJS.Timeout | undefined

  const isWaiting = (call: Call) => calls.get(call.look) === call

  function planLook(call: Call, milliseconds: number): void {
    schedule.plan(call, Math.min(soon(milliseconds), call.itselfAt))
  }

  function letLook(call: Call): void {
    call.itselfAt = nextOwnLook(call)
    planLook(call, LOOK_EVERY)
    // One that throws does not stop the others.
    queueMicrotask(call.look)
  }

  async function lookTogether(batch: readonly EntryOfCall[]): Promise<void> {
    const unsure = await entries.unsure(batch)
    for (const { call } of batch)
      if (isWaiting(call) && !schedule.has(call)) planLook(call, unsure ? LOOK_EVERY : AGAIN_AFTER)
    for (const { call } of unsure ?? []) {
      if (!isWaiting(call)) continue
      // With the next tick, because all may be unsure at once, and only so many may look for themselves in one tick.
      call.itselfAt = performance.now()
      schedule.hasten(call)
    }
  }

  /** Returns the call's entry, unless the call has to look itself. */
  function entryOf(call: Call, now: number): EntryOfCall | undefined {
    const { awaited } = call
    if (!awaited || call.itselfAt <= now) return undefined
    call.root ??= rootOf(awaited.key)
    return call.root === undefined ? undefined : { ...awaited, root: call.root, call }
  }

  function tick(): void {
    const now = performance.now()
    const alone: Call[] = []
    const together: EntryOfCall[] = []
    for (const call of schedule.due()) {
      const entry = entryOf(call, now)
      if (entry) together.push(entry)
      else alone.push(call)
    }
    const most = (usual: number) => Math.max(usual, Math.ceil(calls.size / TICKS_FOR_ALL))
    for (const call of alone.slice(0, most(MOST_ALONE))) letLook(call)
    const looked = together.slice(0, most(MOST_TOGETHER))
    for (const { call } of looked) schedule.take(call)
    for (const batch of entries.batches(looked)) void lookTogether(batch)
  }

  function begin(look: () => void, awaited: AwaitedEntry | undefined): Call {
    const call: Call = { look, awaited, root: undefined, itselfAt: nextOwnLook({ awaited }), times: 0 }
    timer ??= setInterval(tick, TICK).unref()
    calls.set(look, call)
    planLook(call, LOOK_EVERY)
    return call
  }

  function remove(call: Call): void {
    call.times -= 1
    if (call.times > 0 || !isWaiting(call)) return
    calls.delete(call.look)
    schedule.take(call)
    if (calls.size === 0) stop()
  }

  function stop(): void {
    clearInterval(timer)
    timer = undefined
  }

  return {
    add(look, awaited) {
      const call = calls.get(look) ?? begin(look, awaited)
      call.times += 1
      let isAdded = true
      return () => {
        if (isAdded) remove(call)
        isAdded = false
      }
    },

    all() {
      const now = performance.now()
      for (const call of calls.values()) {
        // Redis may have lost what it knew, and a look at the backend costs too much for all to do it at once.
        call.itselfAt = call.awaited ? Math.min(call.itselfAt, now + LOOK_EVERY * Math.random()) : now
        schedule.hasten(call)
      }
      tick()
    },

    close() {
      stop()
      for (const call of calls.values()) schedule.take(call)
      calls.clear()
    },
  }
}

function nextOwnLook({ awaited }: Pick<Call, 'awaited'>): number {
  return soon(awaited ? BACKEND_EVERY : LOOK_EVERY)
}

/** Returns the time after so many milliseconds, give or take a fifth. */
function soon(milliseconds: number): number {
  return performance.now() + milliseconds * (0.8 + 0.4 * Math.random())
}
