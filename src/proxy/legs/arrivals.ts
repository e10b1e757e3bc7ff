import { type Owner, ownerKey } from '../../core/model/owner.ts'

/** Tells streams that their owner has connected, as far as this process notices: when a call with the credential passes the gate. */
export interface Arrivals {
  arrived(owner: Owner): void
  /** Resolves at the owner's next call, or when the signal aborts. */
  next(owner: Owner, signal: AbortSignal): Promise<void>
}

export function createArrivals(): Arrivals {
  const waiting = new Map<string, Set<() => void>>()
  return {
    arrived(owner) {
      const key = ownerKey(owner)
      const all = waiting.get(key)
      waiting.delete(key)
      for (const go of all ?? []) go()
    },
    next: (owner, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const key = ownerKey(owner)
        const own = waiting.get(key) ?? new Set()
        const go = () => {
          own.delete(go)
          if (own.size === 0 && waiting.get(key) === own) waiting.delete(key)
          signal.removeEventListener('abort', go)
          resolve()
        }
        waiting.set(key, own.add(go))
        signal.addEventListener('abort', go, { once: true })
      }),
  }
}
