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

/** A gate that the call has passed and whose handler is running. */
export interface GatePass {
  readonly call: GatedCall
  /** Id that the call's references are bound to. */
  readonly id: string
  /** Name of the account that the gate found connected: the provider's, or `name@account`. */
  readonly provider: string
  /** Aborts when the call is cancelled, and when this gate's handler has ended. */
  readonly signal: () => AbortSignal
}

/** One MCP tool call, however many gates stand in front of its handler. */
export interface ToolCall {
  /** Knows every secret that any provider released to the call. */
  readonly guard: EchoGuard
  /** The arguments that the client sent. */
  readonly arguments: unknown
  /** The progress that the client is sent. */
  readonly progress: CallProgress
  /** Whether the call's handlers may run again. Shared by all its gates, because the outer one runs the inner one's handler again. */
  readonly reruns: CallReruns
  enter(provider: object, pass: GatePass): void
  leave(pass: GatePass): void
  /** The provider's outermost gate. Undefined before it was passed, and after its handler has ended. */
  passOf(provider: object): GatePass | undefined
  /** All gates of the provider whose handlers are running, outermost first. They may be for different accounts. */
  passesOf(provider: object): readonly GatePass[]
  /** The outermost gate; undefined once the call has ended. */
  outermost(): GatePass | undefined
}

/** A call's handlers run again at most once, and never if one of them opted out. */
export interface CallReruns {
  state: 'allowed' | 'used' | 'opted-out'
}

// An unregistered symbol, so that no other code can mark an object; JSON from a client carries no symbols. Its value is the call itself,
// which a spread, a proxy and a second gate keep. A WeakMap would lose it in all three.
const CALL = Symbol('mcp-credential-vault.call')

export function createToolCall(clientArguments: unknown): ToolCall {
  // A provider may have several passes, because a gated handler may call another one of the same provider.
  const passes = new Map<GatePass, object>()
  const guard = createEchoGuard()
  const passesOf = (provider: object) => [...passes].flatMap(([pass, of]) => (of === provider ? [pass] : []))
  return Object.freeze({
    guard,
    // A getter, so that printing `extra` does not show the arguments.
    get arguments() {
      return clientArguments
    },
    progress: createCallProgress(),
    reruns: { state: 'allowed' },
    enter: (provider: object, pass: GatePass) => void passes.set(pass, provider),
    leave: (pass: GatePass) => void passes.delete(pass),
    passOf: (provider: object) => passesOf(provider)[0],
    passesOf,
    outermost: () => [...passes.keys()][0],
    [inspect.custom]: () => 'ToolCall {}',
  })
}

/** Returns `extra` marked as belonging to the call. */
export function markCall<E extends object>(extra: E, call: ToolCall): E {
  return Object.assign(extra, { [CALL]: call })
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
