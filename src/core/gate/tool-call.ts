import { inspect } from 'node:util'
import { createEchoGuard, type EchoGuard } from '../echo-guard/echo-guard.ts'
import { CredentialVaultError } from '../model/errors.ts'
import { type CallProgress, createCallProgress } from './call-progress.ts'
import type { GatedCall } from './gated-call.ts'

/**
 * The object that an MCP SDK passes to a tool handler besides the arguments: `extra` of SDK 1.x, or `ctx` of SDK 2.x. It must be the object
 * that the gate passed to the handler, a spread of it, or a proxy around it.
 */
export type CallExtra =
  | { readonly signal: AbortSignal; readonly requestId: string | number }
  | { readonly mcpReq: { readonly id: string | number; readonly signal: AbortSignal } }

/** A gate that the call has passed, while its handler runs and afterwards. */
export interface GatePass {
  readonly call: GatedCall
  /** Id that the call's references are bound to. */
  readonly id: string
  /** Name of the account that the gate found connected: the provider's, or `name@account`. */
  readonly provider: string
  /** Aborts when the call is cancelled, and when this gate's handler has ended. */
  readonly signal: () => AbortSignal
  /** Whether this gate's handler has ended. */
  readonly hasEnded: () => boolean
}

/**
 * One MCP tool call, as the handler behind some of its gates sees it. What belongs to the call itself is the same behind each of them; the
 * passes are only those of the gates that the handler's own `extra` came through.
 */
export interface ToolCall {
  /** Knows every secret that any provider released to the call. */
  readonly guard: EchoGuard
  /** What the client sent: the arguments, or the request that has them. */
  readonly arguments: unknown
  /** The progress that the client is sent. */
  readonly progress: CallProgress
  /** Whether the call's handlers may run again. Shared by all its gates, because the outer one runs the inner one's handler again. */
  readonly reruns: CallReruns
  /** Returns the call as the handler of one more gate sees it. */
  behind(provider: object, pass: GatePass): ToolCall
  /**
   * The provider's gates that this handler's `extra` came through, outermost first. They may be for different accounts. A gate that the call
   * passes beside this handler is not among them.
   */
  passesOf(provider: object): readonly GatePass[]
  /** The outermost gate; undefined in front of it. */
  outermost(): GatePass | undefined
}

/** A call's handlers run again at most once, and never if one of them opted out. */
export interface CallReruns {
  state: 'allowed' | 'used' | 'opted-out'
}

// An unregistered symbol, so that no other code can mark an object; JSON from a client carries no symbols. Its value is the call itself,
// which a spread and a proxy keep. A WeakMap would lose it in both.
const CALL = Symbol('mcp-credential-vault.call')

export function createToolCall(clientArguments: unknown): ToolCall {
  const shared = {
    guard: createEchoGuard(),
    progress: createCallProgress(),
    reruns: { state: 'allowed' } as CallReruns,
  }
  return new MarkedCall(shared, clientArguments, NO_GATES)
}

interface Gate {
  readonly provider: object
  readonly pass: GatePass
}

const NO_GATES: readonly Gate[] = []

type Shared = Pick<ToolCall, 'guard' | 'progress' | 'reruns'>

/** Private fields, so that printing `extra` does not show the arguments. */
class MarkedCall implements ToolCall {
  readonly guard: EchoGuard
  readonly progress: CallProgress
  readonly reruns: CallReruns
  readonly #arguments: unknown
  // A provider may have several passes, because a gated handler may call another one of the same provider.
  readonly #gates: readonly Gate[]

  constructor({ guard, progress, reruns }: Shared, clientArguments: unknown, gates: readonly Gate[]) {
    this.guard = guard
    this.progress = progress
    this.reruns = reruns
    this.#arguments = clientArguments
    this.#gates = gates
    Object.freeze(this)
  }

  get arguments(): unknown {
    return this.#arguments
  }

  behind(provider: object, pass: GatePass): ToolCall {
    return new MarkedCall(this, this.#arguments, [...this.#gates, { provider, pass }])
  }

  passesOf(provider: object): readonly GatePass[] {
    return this.#gates.filter((gate) => gate.provider === provider).map(({ pass }) => pass)
  }

  outermost(): GatePass | undefined {
    return this.#gates[0]?.pass
  }

  [inspect.custom](): string {
    return 'ToolCall {}'
  }
}

// Frozen: a tool can reach it through its own call, and a change would affect every call.
Object.freeze(MarkedCall.prototype)

/** Returns `extra` marked as belonging to the call. */
export function markCall<E extends object>(extra: E, call: ToolCall): E {
  return Object.assign(extra, { [CALL]: call })
}

/**
 * Returns a view of an `extra` that another gate handed out, marked with the call as it is behind one more gate. Everything else, also what
 * a handler stores on it, is the given object's own: it may be a proxy, or inherit from what the gate handed out.
 */
export function remarkCall<E extends object>(extra: E, call: ToolCall): E {
  const read = (key: PropertyKey) => (key === CALL ? call : Reflect.get(extra, key))
  // An empty target, because a proxy may not report another value for a property of a frozen one.
  return new Proxy<E>(Object.create(Object.getPrototypeOf(extra)), {
    get: (_, key) => read(key),
    set: (_, key, value) => Reflect.set(extra, key, value),
    has: (_, key) => Reflect.has(extra, key),
    deleteProperty: (_, key) => Reflect.deleteProperty(extra, key),
    // The mark is the view's own, so that a spread of it keeps the mark.
    ownKeys: () => [...new Set([...Reflect.ownKeys(extra), CALL])],
    getOwnPropertyDescriptor(_, key) {
      const found = key === CALL ? { enumerable: true } : Reflect.getOwnPropertyDescriptor(extra, key)
      return found && { value: read(key), writable: true, enumerable: found.enumerable ?? false, configurable: true }
    },
  })
}

/** Returns undefined for an object that no gate handed out. */
export function callOf(extra: unknown): ToolCall | undefined {
  if (typeof extra !== 'object' || extra === null || !(CALL in extra)) return undefined
  return extra[CALL] as ToolCall
}

/** @throws `configuration_invalid` (`reason: 'call_unknown'`) for anything that no gate handed out */
export function requireCall(extra: unknown, method: string): ToolCall {
  const call = callOf(extra)
  if (call) return call
  throw new CredentialVaultError(
    'configuration_invalid',
    `${method}: extra is not from a gated call, so the owner of the credential is unknown. Pass on what the gate gave the ` +
      'handler as its last parameter: requireCredentials(provider, async (args, extra) => … getCredentials(extra) …), or (extra) => … ' +
      'for a tool without inputSchema. A gate and a provider from two installed copies of mcp-credential-vault do not recognise each ' +
      "other's calls: npm ls mcp-credential-vault lists them.",
    { reason: 'call_unknown' },
  )
}
