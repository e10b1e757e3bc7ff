import { type Owner, ownerKey } from '../model/owner.ts'

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

export function createCutoff(): Cutoff {
  const owners = new Map<string, Set<Running>>()
  return {
    begin(owner, onCut) {
      const name = ownerKey(owner)
      const siblings = owners.get(name) ?? new Set<Running>()
      if (siblings.size === 0) owners.set(name, siblings)
      const running = new Running(onCut, () => {
        siblings.delete(running)
        if (siblings.size === 0 && owners.get(name) === siblings) owners.delete(name)
      })
      siblings.add(running)
      return running
    },
    cut(owner) {
      for (const running of owners.get(ownerKey(owner)) ?? []) running.cut()
    },
  }
}

// A class, because each release makes one.
class Running implements Begun {
  isCut = false
  readonly end: () => void
  readonly #onCut: (() => void) | undefined

  constructor(onCut: (() => void) | undefined, end: () => void) {
    this.#onCut = onCut
    this.end = end
  }

  cut(): void {
    this.isCut = true
    this.#onCut?.()
  }
}
