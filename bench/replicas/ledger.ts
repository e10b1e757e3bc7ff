import { createHash } from 'node:crypto'

/** What a call shows of a user's credential: the hash of its value, or undefined where it asks for one. */
export type Seen = string | undefined

/** What one user did to their credential, and what a call of theirs may show. Times are those of `performance.now()`. */
export interface Ledger {
  /** A change has been sent: from now on its result may be found. Undefined is a revocation. */
  begin(value: string | undefined): void
  /** It was acknowledged: every earlier state is gone. */
  acknowledged(value: string | undefined): void
  /** Returns for how many milliseconds a state seen by a call had been gone when the call began: 0 if it may be there, undefined if it never was. */
  goneFor(seen: Seen, began: number): number | undefined
  /** Whether this may be the state now. */
  allows(seen: Seen): boolean
}

export function createLedger(): Ledger {
  /** Each state and when it ended. */
  const states = new Map<Seen, number>([[undefined, Number.POSITIVE_INFINITY]])
  const seenOf = (value: string | undefined) => (value === undefined ? undefined : hashOf(value))
  return {
    begin: (value) => void states.set(seenOf(value), Number.POSITIVE_INFINITY),
    acknowledged(value) {
      const now = performance.now()
      for (const [state, until] of states) states.set(state, Math.min(until, now))
      states.set(seenOf(value), Number.POSITIVE_INFINITY)
    },
    goneFor(seen, began) {
      const until = states.get(seen)
      return until === undefined ? undefined : Math.max(0, began - until)
    },
    allows: (seen) => states.get(seen) === Number.POSITIVE_INFINITY,
  }
}

export function hashOf(value: string): string {
  return createHash('sha256').update(value).digest('hex')
}
