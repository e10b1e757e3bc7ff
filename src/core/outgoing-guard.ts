import { isProxy } from 'node:util/types'
import { CredentialVaultError } from './errors.ts'
import { jsonSnapshot } from './json-snapshot.ts'
import { markCall, type ToolCall } from './tool-call.ts'

export interface OutgoingGuard {
  readonly toolCall: ToolCall
  /** Records that something was withheld. */
  readonly report: () => Promise<void>
  /**
   * How many leading parameters of a method go to the client as JSON: a snapshot of them is searched, and sent. A method of the
   * application's own has none; it is searched and gets what it was given.
   */
  readonly sent: (path: string) => number
  /** Changes a message that was found clean before it is sent. */
  readonly adjust: (path: string, parameters: unknown[]) => unknown[]
}

type Method = (...parameters: unknown[]) => unknown

/**
 * A copy of what an SDK hands to a handler, marked as the call's own, on which everything that can be called is searched for the call's
 * secrets first: its functions, and the methods of the objects on it. A call that is refused sends nothing and returns a promise that
 * rejects with `secret_echoed`.
 */
export function guardOutgoing<E extends object>(extra: E, guard: OutgoingGuard): E {
  const guarded: Record<PropertyKey, unknown> = {}
  for (const name of Reflect.ownKeys(extra)) {
    if (!Object.prototype.propertyIsEnumerable.call(extra, name)) continue
    guarded[name] = guardMember(extra, name, Reflect.get(extra, name), guard)
  }
  // Built from the keys of E.
  return markCall(guarded as E, guard.toolCall)
}

function guardMember(owner: object, name: PropertyKey, member: unknown, guard: OutgoingGuard): unknown {
  const path = String(name)
  if (typeof member === 'function') return guardMethod(path, (...given) => Reflect.apply(member, owner, given), guard)
  if (typeof member !== 'object' || member === null || member instanceof AbortSignal || !hasMethods(member))
    return member
  return new Proxy(Object.create(Object.getPrototypeOf(member)), {
    // Private fields want the object itself as receiver.
    get(_, key) {
      const found: unknown = Reflect.get(member, key, member)
      if (typeof found !== 'function') return found
      return guardMethod(`${path}.${String(key)}`, (...given) => Reflect.apply(found, member, given), guard)
    },
    set: (_, key, value) => Reflect.set(member, key, value, member),
    has: (_, key) => Reflect.has(member, key),
    ownKeys: () => Reflect.ownKeys(member),
    // The stand-in has no property of its own, so none may be reported as fixed.
    getOwnPropertyDescriptor(_, key) {
      const found = Reflect.getOwnPropertyDescriptor(member, key)
      return found && { ...found, configurable: true }
    },
  })
}

function hasMethods(value: object): boolean {
  for (let at: object | null = value; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    const members = Object.values(Object.getOwnPropertyDescriptors(at))
    if (members.some(({ value: member, get }) => typeof member === 'function' || get !== undefined)) return true
  }
  return isProxy(value)
}

function guardMethod(path: string, call: Method, { toolCall, report, sent, adjust }: OutgoingGuard): Method {
  const { guard } = toolCall
  return (...parameters) => {
    const first = sent(path)
    if (first === 0) return guard.finds(parameters) ? refused(report) : call(...parameters)
    try {
      const messages = parameters.slice(0, first).map(jsonSnapshot)
      if (guard.finds(messages)) return refused(report)
      guard.sent(messages)
      return withHandledRejection(call(...adjust(path, [...messages, ...parameters.slice(first)])))
    } catch (error) {
      return withHandledRejection(Promise.reject(error))
    }
  }
}

function refused(report: () => Promise<void>): Promise<never> {
  return withHandledRejection(
    report().then(() => {
      throw new CredentialVaultError('secret_echoed', 'A message to the client contained the secret and was not sent.')
    }),
  )
}

/** A handler that does not wait for its messages must not end the process with one that failed. */
function withHandledRejection<T>(sent: T): T {
  if (sent instanceof Promise) sent.catch(() => {})
  return sent
}
