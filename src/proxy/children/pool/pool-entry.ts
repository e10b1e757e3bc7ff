import { CredentialVaultError } from '../../../core/model/errors.ts'
import { type Child, startChild } from '../child.ts'
import type { ChildOptions } from '../child-options.ts'
import type { ChildEnd, EndReason } from '../end-reason.ts'
import type { ChildKey } from './pool-key.ts'
import type { CheckedLimits } from './pool-limits.ts'

/** How a child of the pool is started. */
export interface ChildStarter {
  /**
   * Reads the credential, writes the audit line of its release, and returns what to start. It must read the credential itself: one that
   * was read before may have been revoked since.
   */
  options(): Promise<ChildOptions>
  /** Speaks to the new child until it can take calls, such as `initialize`. It reads `child.messages` for as long as the child lives. */
  initialise(child: Child): Promise<void>
}

/** One child of the pool, from its start to its end. */
export interface PoolEntry {
  readonly key: ChildKey
  /** Rejects if it could not be started, or was closed meanwhile. */
  readonly started: Promise<Child>
  readonly child: Child | undefined
  /** Whether calls may be given to it. True while it starts. */
  readonly isOpen: boolean
  /** Resident memory when it was measured last. */
  residentBytes: number
  /** Resolves when nothing of it is left. */
  readonly gone: Promise<void>
  /** Gives it no further call, lets those in flight finish within `drain` milliseconds, and ends it. */
  close(reason: EndReason, drain: number, grace?: number): Promise<void>
}

export interface EntryEvents {
  started(child: Child): void
  /** Nothing is left of a child that was started. */
  ended(end: ChildEnd, lived: number): void
}

export function openEntry(starter: ChildStarter, key: ChildKey, limits: CheckedLimits, events: EntryEvents): PoolEntry {
  let child: Child | undefined
  let closing: EndReason | undefined
  let closingGrace: number | undefined
  let stopAging: () => void = () => undefined

  async function begin(): Promise<Child> {
    const options = await starter.options()
    if (closing !== undefined) throw notStarted(closing)
    const began = performance.now()
    const made = await startChild(options)
    child = made
    void made.ended.then((end) => {
      stopAging()
      events.ended(end, performance.now() - began)
    })
    try {
      events.started(made)
      // It was closed while it was started, when there was nothing to end yet.
      if (closing !== undefined) await made.end(closing, closingGrace)
      await initialised(starter, made)
    } catch (error) {
      await made.end('crashed', 0)
      throw error
    }
    made.ready()
    if (!entry.isOpen) throw notStarted(closing ?? 'crashed')
    stopAging = watchAge(made, limits, (reason) => void entry.close(reason, reason === 'idle' ? 0 : limits.drain))
    return made
  }

  const started = begin()
  const gone = started.then(
    async (made) => void (await made.ended),
    async () => void (await child?.ended),
  )
  const entry: PoolEntry = {
    key,
    started,
    gone,
    residentBytes: 0,

    get child() {
      return child
    },

    get isOpen() {
      return closing === undefined && child?.isEnding !== true
    },

    async close(reason, drain, grace) {
      closing ??= reason
      closingGrace = grace
      stopAging()
      // Without a drain it ends now, so that no call is sent in between.
      if (child && !child.isEnding && drain > 0) await child.settled(drain)
      // A revocation need not wait until the calls that a rotation lets finish have done so: the first to end it, ends it.
      await child?.end(reason, grace)
      await gone
    },
  }
  return entry
}

/** Stops waiting for a child that has ended, and says why it has. */
async function initialised(starter: ChildStarter, child: Child): Promise<void> {
  const ended = child.ended.then(({ reason }) => {
    throw notStarted(reason)
  })
  try {
    await Promise.race([ended, starter.initialise(child)])
  } catch (error) {
    // What the starter throws then is only that its child is gone.
    if (child.isEnding) await ended
    throw error
  }
}

function watchAge(child: Child, limits: CheckedLimits, close: (reason: EndReason) => void): () => void {
  const life = setTimeout(close, limits.longestLife, 'longest_life').unref()
  let idle = setTimeout(look, limits.idle).unref()

  function look(): void {
    const left = child.callsInFlight > 0 ? limits.idle : child.lastUsed + limits.idle - performance.now()
    if (left <= 0) close('idle')
    else idle = setTimeout(look, Math.ceil(left)).unref()
  }

  return () => {
    clearTimeout(life)
    clearTimeout(idle)
  }
}

function notStarted(reason: EndReason): CredentialVaultError {
  if (reason === 'start_deadline') {
    return new CredentialVaultError(
      'unavailable',
      'The server did not answer in time after its start. Try again later.',
      {
        reason: 'child_deadline',
        retryable: true,
      },
    )
  }
  if (reason === 'crashed') {
    return new CredentialVaultError(
      'unavailable',
      'The server ended while it was started. The proxy logs what it wrote to standard error.',
      { reason: 'child_crashed', retryable: true },
    )
  }
  return new CredentialVaultError('unavailable', 'The server was ended while it was started. Try again.', {
    reason: 'closed',
    retryable: true,
  })
}
