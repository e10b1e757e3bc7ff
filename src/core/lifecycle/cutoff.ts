import { ownerKey } from '../model/owner.ts'
import type { Begun, Cutoff } from '../ports/cutoff.ts'

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
