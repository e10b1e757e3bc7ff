import type { Rejection } from '../../core/credentials/credential-handle.ts'
import type { GatedCall } from '../../core/gate/gated-call.ts'
import type { StoredVersion } from '../../core/ports/secret-backend.ts'
import type { RejectedWhen } from './credentials-provider-options.ts'

/** The version that each running call used last, and whether the service rejected it. */
export interface CallRejections {
  released(call: GatedCall, version: StoredVersion): void
  /** Returns the rejection, of what was released last unless it names a version. Undefined when nothing was released to the call. */
  reject(call: GatedCall, answer: Rejection): Rejection | undefined
  /** Another call had the version put out of use before this one could read it. */
  foundRejected(call: GatedCall): void
  has(call: GatedCall): boolean
  /** Returns the call's rejection and forgets it. */
  take(call: GatedCall): Rejection | undefined
}

export function createCallRejections(): CallRejections {
  const released = new WeakMap<GatedCall, StoredVersion>()
  const rejected = new WeakMap<GatedCall, Rejection>()
  return {
    released: (call, version) => void released.set(call, version),
    reject(call, answer) {
      const version = answer.version ?? released.get(call)
      if (!version) return undefined
      const rejection = { ...answer, version }
      rejected.set(call, rejection)
      return rejection
    },
    foundRejected(call) {
      if (!rejected.has(call)) rejected.set(call, {})
    },
    has: (call) => rejected.has(call),
    take(call) {
      const rejection = rejected.get(call)
      rejected.delete(call)
      return rejection
    },
  }
}

/** Asks the option about a copy of each answer, so that the tool can still read it. Default: status 401. */
export function rejectedBy(option: RejectedWhen | undefined): RejectedWhen {
  if (!option) return ({ status }) => status === 401
  return async (answer) => {
    const copy = answer.clone()
    const rejected = await option(copy)
    // An unread copy would stay in memory. Cancelling it ends only once the tool has read the answer itself.
    void copy.body?.cancel().catch(() => undefined)
    return rejected
  }
}
