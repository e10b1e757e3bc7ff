import { randomUUID } from 'node:crypto'
import { type Owner, ownerKey } from '../../core/model/owner.ts'
import type { HeldCall } from './held-call.ts'

/** The calls that wait for their next leg in this process. */
export interface HeldCalls {
  /** Returns the name by which the next leg finds the call, or undefined if the owner has too many. */
  keep(owner: Owner, call: HeldCall): string | undefined
  /** Each name finds its call once. */
  take(owner: Owner, id: string): HeldCall | undefined
  end(): void
}

/** Half of the calls that a user can have at one server, so that the others still run. */
const MAX_PER_OWNER = 16

export function createHeldCalls(): HeldCalls {
  const owners = new Map<string, Map<string, HeldCall>>()
  return {
    keep(owner, call) {
      const key = ownerKey(owner)
      const calls = owners.get(key) ?? new Map<string, HeldCall>()
      for (const [id, one] of calls) if (one.hasEnded()) calls.delete(id)
      if (calls.size >= MAX_PER_OWNER) return undefined
      const id = randomUUID()
      owners.set(key, calls.set(id, call))
      return id
    },
    take(owner, id) {
      const key = ownerKey(owner)
      const calls = owners.get(key)
      const call = calls?.get(id)
      calls?.delete(id)
      if (calls?.size === 0) owners.delete(key)
      return call?.hasEnded() ? undefined : call
    },
    end() {
      for (const calls of owners.values()) for (const call of calls.values()) call.end()
      owners.clear()
    },
  }
}
