import { isProxy } from 'node:util/types'
import { jsonSnapshot } from '../echo-guard/json-snapshot.ts'
import { CredentialVaultError } from '../model/errors.ts'
import type { EchoReport } from './guarded-run.ts'
import { markCall, type ToolCall } from './tool-call.ts'

export interface OutgoingGuard {
  readonly toolCall: ToolCall
  /** Records that a message was withheld. */
  readonly report: EchoReport
  /**
   * Returns how many leading parameters of a method are sent to the client as JSON. A snapshot of these is searched and sent. For a method
   * of the application it is 0: its parameters are searched and passed on unchanged.
   */
  readonly sent: (path: string) => number
  /** Changes a message that contains no secret before it is sent. */
  readonly adjust: (path: string, parameters: unknown[]) => unknown[]
}

/** How deep objects of `extra` are searched for methods. */
const MAX_DEPTH = 3

type Method = (...parameters: unknown[]) => unknown

/**
 * Returns a copy of the SDK's `extra`, marked as the call's own. Every function on it, and every method of its objects, first searches its
 * parameters for the call's secrets. If it finds one, it sends nothing and returns a promise that rejects with `secret_echoed`.
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

function guardMember(
  owner: object,
  name: PropertyKey,
  member: unknown,
  guard: OutgoingGuard,
  path = String(name),
): unknown {
  if (typeof member === 'function') return guardMethod(path, (...given) => Reflect.apply(member, owner, given), guard)
  if (typeof member !== 'object' || member === null || member instanceof AbortSignal || !hasMethods(member))
    return member
  // Private fields require the object itself as receiver.
  const get = (key: PropertyKey) =>
    guardMember(member, key, Reflect.get(member, key, member), guard, `${path}.${String(key)}`)
  return new Proxy(Object.create(Object.getPrototypeOf(member)), {
    get: (_, key) => get(key),
    set: (_, key, value) => Reflect.set(member, key, value, member),
    has: (_, key) => Reflect.has(member, key),
    ownKeys: () => Reflect.ownKeys(member),
    // The proxy's target has no own properties, so none may be reported as non-configurable.
    getOwnPropertyDescriptor(_, key) {
      const found = Reflect.getOwnPropertyDescriptor(member, key)
      return found && { value: get(key), writable: true, enumerable: found.enumerable ?? false, configurable: true }
    },
  })
}

function hasMethods(value: object, depth = 0): boolean {
  const inside: object[] = []
  for (let at: object | null = value; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Reflect.ownKeys(at)) {
      const { value: member, get } = Reflect.getOwnPropertyDescriptor(at, name) ?? {}
      if (get !== undefined || typeof member === 'function') return true
      if (isObject(member)) inside.push(member)
    }
  }
  if (isProxy(value)) return true
  // Last, because most objects that have methods have some of their own.
  return depth < MAX_DEPTH && inside.some((member) => hasMethods(member, depth + 1))
}

function isObject(member: unknown): member is object {
  return typeof member === 'object' && member !== null
}

function guardMethod(path: string, call: Method, { toolCall, report, sent, adjust }: OutgoingGuard): Method {
  const { guard } = toolCall
  return (...parameters) => {
    const first = sent(path)
    if (first === 0) {
      const found = guard.sourcesIn(parameters)
      return found ? refused(report(found)) : call(...parameters)
    }
    try {
      const messages = parameters.slice(0, first).map(jsonSnapshot)
      // Some request options are sent with the request.
      const rest = parameters
        .slice(first)
        .map((parameter) => (isPlain(parameter) ? optionsSnapshot(parameter) : parameter))
      const found = guard.sourcesIn([messages, rest.filter(isPlain)])
      if (found) return refused(report(found))
      guard.sent(messages)
      return withHandledRejection(call(...adjust(path, [...messages, ...rest])))
    } catch (error) {
      return withHandledRejection(Promise.reject(error))
    }
  }
}

function refused(reported: Promise<void>): Promise<never> {
  return withHandledRejection(
    reported.then(() => {
      throw new CredentialVaultError('secret_echoed', 'A message to the client contained the secret and was not sent.')
    }),
  )
}

/** Keeps an unawaited message that fails from ending the process. */
function withHandledRejection<T>(sent: T): T {
  if (sent instanceof Promise) sent.catch(() => {})
  return sent
}

/** Tells plain options from a schema, which is an instance of its library's class. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** Keeps callbacks and signals as they are. */
function optionsSnapshot(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const entries = Object.entries(options).map(([name, value]) => [name, isPlain(value) ? jsonSnapshot(value) : value])
  return Object.fromEntries(entries)
}
