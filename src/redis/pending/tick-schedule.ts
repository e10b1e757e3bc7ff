/** Milliseconds from one tick to the next. */
export const TICK = 250
/** Ticks that can be planned ahead: enough for the longest time between two looks. */
const SLOTS = 64

/** Knows when each item is due. An item is planned for one time at most. Times are by `performance.now()`. */
export interface TickSchedule<T> {
  /** Plans the item for this time, or for the next tick if that is later. */
  plan(item: T, at: number): void
  /** Makes the item due at once. */
  hasten(item: T): void
  /** Forgets the item until it is planned again. */
  take(item: T): void
  /** Whether the item is planned, or due and not taken yet. */
  has(item: T): boolean
  /** Returns the items that are due, the longest due first. Each stays due until it is taken or planned again. */
  due(): Iterable<T>
}

export function createTickSchedule<T>(): TickSchedule<T> {
  /** Planned items by tick, so that a tick does not go through all of them. */
  const slots = Array.from({ length: SLOTS }, () => new Set<T>())
  const dueItems = new Set<T>()
  /** The slot of each item, or `dueItems`. */
  const places = new Map<T, Set<T>>()
  let lastTick = 0

  function take(item: T): void {
    places.get(item)?.delete(item)
    places.delete(item)
  }

  function move(item: T, place: Set<T>): void {
    take(item)
    places.set(item, place.add(item))
  }

  return {
    plan(item, at) {
      const now = tickAt(performance.now())
      // Nothing was planned for the ticks that have passed meanwhile.
      if (places.size === 0) lastTick = now
      const slot = slots[Math.max(tickAt(at), now + 1) % SLOTS]
      if (slot) move(item, slot)
    },

    hasten: (item) => move(item, dueItems),
    take,
    has: (item) => places.has(item),

    due() {
      const now = tickAt(performance.now())
      for (let tick = Math.max(lastTick + 1, now - SLOTS + 1); tick <= now; tick += 1)
        for (const item of slots[tick % SLOTS] ?? []) move(item, dueItems)
      lastTick = now
      return dueItems
    },
  }
}

function tickAt(time: number): number {
  return Math.floor(time / TICK)
}
