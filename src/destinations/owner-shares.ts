import { CredentialVaultError } from '../core/model/errors.ts'
import { serviceReason } from '../core/network/service-outage.ts'
import { serverEnding } from './fetch-failure.ts'

export interface ShareLimits {
  /** Requests of one owner at one origin at a time. */
  readonly perOwner: number
  /** Requests of all owners together at one origin. */
  readonly perOrigin: number
  /** Requests of one owner that may wait for a place there. */
  readonly waiting: number
  /** Longest wait, in milliseconds. */
  readonly wait: number
}

/**
 * Limits requests to services, with an equal share for each owner, so that one owner's slow requests do not delay other owners. Requests
 * without a place wait in order.
 */
export interface OwnerShares {
  /**
   * @returns a function that gives the place back; further calls do nothing
   * @throws `unavailable` (`service_busy` after the longest wait, `closed`); the signal's reason when it aborts
   */
  take(origin: string, owner: string, signal: AbortSignal | undefined): Promise<() => void>
  close(): void
}

interface Waiter {
  readonly owner: Owner
  readonly enter: () => void
  readonly refuse: (error: unknown) => void
}

interface Owner {
  running: number
  waiting: number
}

interface Origin {
  running: number
  readonly owners: Map<string, Owner>
  readonly waiters: Set<Waiter>
}

export function createOwnerShares(provider: string, limits: ShareLimits): OwnerShares {
  const origins = new Map<string, Origin>()
  let closed = false

  function hasRoom(at: Origin, owner: Owner): boolean {
    return at.running < limits.perOrigin && owner.running < limits.perOwner
  }

  function enter(at: Origin, owner: Owner): void {
    at.running += 1
    owner.running += 1
  }

  function leave(at: Origin, owner: Owner): void {
    at.running -= 1
    owner.running -= 1
    for (const waiter of at.waiters) {
      if (at.running >= limits.perOrigin) break
      if (waiter.owner.running < limits.perOwner) waiter.enter()
    }
  }

  function forgetIdle(origin: string, at: Origin, name: string, owner: Owner): void {
    if (owner.running + owner.waiting === 0 && at.owners.get(name) === owner) at.owners.delete(name)
    if (at.owners.size === 0 && origins.get(origin) === at) origins.delete(origin)
  }

  function turn(at: Origin, owner: Owner, signal: AbortSignal | undefined): Promise<void> {
    if (owner.waiting >= limits.waiting) return Promise.reject(busy(provider))
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', aborted)
        at.waiters.delete(waiter)
        owner.waiting -= 1
      }
      const refuse = (error: unknown) => {
        settle()
        reject(error)
      }
      const aborted = () => refuse(signal?.reason)
      const waiter: Waiter = {
        owner,
        enter: () => {
          settle()
          enter(at, owner)
          resolve()
        },
        refuse,
      }
      const timer = setTimeout(() => refuse(busy(provider)), limits.wait)
      signal?.addEventListener('abort', aborted)
      owner.waiting += 1
      at.waiters.add(waiter)
    })
  }

  return {
    async take(origin, name, signal) {
      signal?.throwIfAborted()
      if (closed) throw serverEnding(provider)
      const at = origins.get(origin) ?? { running: 0, owners: new Map<string, Owner>(), waiters: new Set<Waiter>() }
      origins.set(origin, at)
      const owner = at.owners.get(name) ?? { running: 0, waiting: 0 }
      at.owners.set(name, owner)
      try {
        if (hasRoom(at, owner)) enter(at, owner)
        else await turn(at, owner, signal)
      } catch (error) {
        forgetIdle(origin, at, name, owner)
        throw error
      }
      let left = false
      return () => {
        if (left) return
        left = true
        leave(at, owner)
        forgetIdle(origin, at, name, owner)
      }
    },

    close() {
      closed = true
      for (const { waiters } of origins.values())
        for (const waiter of [...waiters]) waiter.refuse(serverEnding(provider))
    },
  }
}

function busy(provider: string): CredentialVaultError {
  return new CredentialVaultError(
    'unavailable',
    `This user has too many running requests to ${provider}, and none ended in time. Wait for their responses, and read or cancel them.`,
    { reason: serviceReason('busy'), retryable: true },
  )
}
