import { inspect } from 'node:util'
import { createEchoGuard, type EchoGuard } from '../echo-guard/echo-guard.ts'
import { CredentialVaultError } from '../model/errors.ts'
import type { GatedCall } from './gated-call.ts'

/**
 * What an MCP SDK hands to a tool handler beside its arguments: `extra` of SDK 1.x, or `ctx` of SDK 2.x. It has to be the very object
 * that the gate handed to the handler, a spread of it, or a proxy around it.
 */
export type CallExtra =
  | { readonly signal: AbortSignal; readonly requestId: string | number }
  | { readonly mcpReq: { readonly id: string | number; readonly signal: AbortSignal } }

/** One gate that the call has passed, while that gate's handler runs. */
export interface GatePass {
  readonly call: GatedCall
  /** Bound into the call's references. */
  readonly id: string
  /** Aborts when the call is cancelled, and when this gate's handler has ended. */
  readonly signal: () => AbortSignal
}

/** One MCP tool call, however many gates stand in front of its handler. */
export interface ToolCall {
  /** Knows every secret that the call was given, by whichever provider. */
  readonly guard: EchoGuard
  /** The arguments that the client sent. */
  readonly arguments: unknown
  /** Counts progress notifications that a gate sent while it waited. */
  addHeartbeats(count: number): void
  heartbeats(): number
  enter(provider: object, pass: GatePass): void
  leave(pass: GatePass): void
  /** The provider's outermost gate. Undefined before it was passed, and after its handler has ended. */
  passOf(provider: object): GatePass | undefined
  /** The outermost gate; undefined once the call has ended. */
  outermost(): GatePass | undefined
}

// Unregistered, so that nobody else can mark an object; JSON from a client carries no symbols. The value is the call itself: a spread, a
// proxy and a second gate keep it, and a WeakMap would lose all three.
const CALL = Symbol('mcp-credential-vault.call')

export function createToolCall(clientArguments: unknown): ToolCall {
  // A handler may call another gated handler of the same provider, so one provider may have several.
  const passes = new Map<GatePass, object>()
  const guard = createEchoGuard()
  let heartbeats = 0
  return Object.freeze({
    guard,
    // Not shown when the handler prints its extra.
    get arguments() {
      return clientArguments
    },
    addHeartbeats(count: number) {
      heartbeats += count
    },
    heartbeats: () => heartbeats,
    enter: (provider: object, pass: GatePass) => void passes.set(pass, provider),
    leave: (pass: GatePass) => void passes.delete(pass),
    passOf: (provider: object) => [...passes].find(([, of]) => of === provider)?.[0],
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
