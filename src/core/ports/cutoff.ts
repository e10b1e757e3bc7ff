import type { Owner } from '../model/owner.ts'

/** Something of one owner that is running: a release of values, or a tool call. */
export interface Begun {
  /** Whether the owner was cut off since it began. */
  readonly isCut: boolean
  end(): void
}

/** Cuts off what is running for an owner who is offboarded: values that were read before must not be handed out afterwards. */
export interface Cutoff {
  /** `end` must follow. `onCut` is called if the owner is cut off before. */
  begin(owner: Owner, onCut?: () => void): Begun
  /** Cuts off all that has begun and not ended. What begins later is not affected. */
  cut(owner: Owner): void
}
