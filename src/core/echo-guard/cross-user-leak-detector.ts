import { oncePerMinute } from '../host/once-per-minute.ts'
import type { Health } from '../journal/health.ts'
import { ownerKey } from '../model/owner.ts'
import { type StorageKey, storageKey } from '../model/storage-key.ts'
import type { CredentialValues, Variable } from '../model/variables.ts'
import type { AccessContext, CredentialNote } from '../ports/access-context.ts'
import { createSecretFingerprints } from './secret-fingerprints.ts'

/**
 * Second line of defence against a server that mixes up calls: it searches one owner's answers for secrets of other owners. It only raises
 * an alarm. The answer is delivered unchanged and without waiting; otherwise a user could test whether a guess is another user's secret, or
 * have other users' answers withheld.
 */
export interface LeakDetector {
  /** Remembers the fingerprints of values that were handed out. */
  released(key: StorageKey, variables: readonly Variable[], values: CredentialValues): void
  /** Searches the answer later for exact copies: answers of up to 64 kB, for at most 5 ms each and 1 % of the time in total. */
  answered(answer: Answer): void
}

export interface Answer {
  readonly key: StorageKey
  /** Asked only if something is found. */
  readonly context: () => AccessContext
  readonly result: unknown
  /** The call's arguments. Secrets that the client itself sent are not reported. */
  readonly clientArguments: unknown
}

export interface LeakDetectorParts {
  readonly note: (key: StorageKey, context: AccessContext, event: CredentialNote) => Promise<void>
  readonly health: Health
}

const MAX_CHARACTERS = 65_536
/** Milliseconds. */
const LONGEST_LOOK = 5
const ALARM_LASTS = 600_000
const REMEMBERED_AGAIN_AFTER = 60_000
/** Share of the time that searches may take, and the most milliseconds that they may accumulate. */
const SHARE = 0.01
const BURST = 50

export function createLeakDetector({ note, health }: LeakDetectorParts): LeakDetector {
  const fingerprints = createSecretFingerprints()
  // Values are the same object for as long as they are cached.
  const rememberedAt = new WeakMap<CredentialValues, number>()
  const isNews = oncePerMinute()
  let mayTake = BURST
  let refilledAt = performance.now()
  let recovery: NodeJS.Timeout | undefined

  function look({ key, context, result, clientArguments }: Answer): void {
    const text = textOf(result)
    const owner = ownerKey(key.owner)
    const found = text === undefined ? [] : fingerprints.foreign(text, owner, LONGEST_LOOK)
    if (found.length === 0) return
    const sent = fingerprints.foreign(textOf(clientArguments) ?? '', owner, LONGEST_LOOK).map(({ digest }) => digest)
    for (const crossed of found) {
      if (!sent.includes(crossed.digest)) report(storageKey(crossed.provider, key.owner), context(), crossed.owner)
    }
  }

  function report(key: StorageKey, context: AccessContext, other: string): void {
    if (!isNews(JSON.stringify([ownerKey(key.owner), other]))) return
    health.failed('calls', 'credential_crossed')
    clearTimeout(recovery)
    recovery = setTimeout(() => health.recovered('calls'), ALARM_LASTS).unref()
    void note(key, context, { type: 'credential.crossed', outcome: 'failure' })
  }

  return {
    released(key, variables, values) {
      const now = performance.now()
      const last = rememberedAt.get(values)
      if (last !== undefined && now - last < REMEMBERED_AGAIN_AFTER) return
      rememberedAt.set(values, now)
      for (const { name, secret } of variables) {
        const value = secret && Object.hasOwn(values, name) ? values[name] : undefined
        if (value === undefined) continue
        fingerprints.add({ owner: ownerKey(key.owner), provider: key.provider, field: `${key.path} ${name}` }, value)
      }
    },

    answered(answer) {
      setImmediate(() => {
        const began = performance.now()
        mayTake = Math.min(BURST, mayTake + (began - refilledAt) * SHARE)
        refilledAt = began
        if (mayTake <= 0) return
        try {
          look(answer)
        } catch {
          // A result that cannot be read cannot be sent either.
        } finally {
          mayTake -= performance.now() - began
        }
      })
    },
  }
}

/** Returns all strings in a value, or undefined if there are too many to search. */
function textOf(value: unknown): string | undefined {
  const stack = [value]
  let text = ''
  for (let left = MAX_CHARACTERS; stack.length > 0; left -= 1) {
    const next = stack.pop()
    if (typeof next === 'string') text += `${next}\0`
    else if (typeof next === 'object' && next !== null) {
      // A list's length is known without reading it.
      if (Array.isArray(next) && next.length > left) return undefined
      const entries = Object.entries(next)
      if (entries.length > left) return undefined
      for (const [key, child] of entries) stack.push(Array.isArray(next) ? '' : key, child)
    }
    if (text.length > MAX_CHARACTERS || left <= 0) return undefined
  }
  return text
}
