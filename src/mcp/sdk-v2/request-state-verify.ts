import type { McpServer, Server, ServerContext } from '@modelcontextprotocol/server'
import { isCallState } from '../../core/gate/call-state.ts'
import { callOf } from '../../core/gate/tool-call.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { ToolExtra } from './tool-handler.ts'

/** An application's `requestState.verify`. */
export type VerifyState = (state: string, ctx: ServerContext) => unknown

const composed = new WeakSet<object>()

/** What handlers find in place of a state with the gate's prefix, which may be forged: nothing that they could take for their own. */
const HIDDEN = null
/** The gate's states, by the signal of their request: a handler is given another `ctx` than the hook, and a nested gate than the outer one. */
const gateStates = new WeakMap<AbortSignal, string>()

/**
 * Composes an application's own `requestState.verify` with the gate. The SDK has one such hook per server, and an application's own refuses
 * the state of a gated call with error -32602.
 *
 * A state with the gate's prefix is for the gate alone: an ungated handler finds `null` in its place.
 *
 * @param verify called for every state that is not the gate's
 * @example
 * ```ts
 * import { createRequestStateCodec, McpServer } from '@modelcontextprotocol/server'
 * import { withGateState } from 'mcp-credential-vault/mcp/sdk-v2'
 *
 * const key = process.env['STATE_KEY']
 * if (!key) throw new Error('Set STATE_KEY to at least 32 random bytes.')
 * const { verify } = createRequestStateCodec({ key })
 * const server = new McpServer({ name: 'jira', version: '1.0.0' }, { requestState: { verify: withGateState(verify) } })
 * ```
 */
export function withGateState(verify: VerifyState): VerifyState {
  const hook: VerifyState = (state, ctx) => {
    if (!isCallState(state)) return verify(state, ctx)
    gateStates.set(ctx.mcpReq.signal, state)
    return HIDDEN
  }
  composed.add(hook)
  return hook
}

/** Returns the state that the client sent back, if it looks like the gate's. */
export function gateStateOf(ctx: ToolExtra): string | undefined {
  const { signal, requestState } = ctx.mcpReq
  const state: unknown = requestState()
  if (isCallState(state)) gateStates.set(signal, state)
  // A gate's handler finds nothing in place of the state, and the gates behind it need it.
  const isOurs = isCallState(state) || state === HIDDEN || callOf(ctx) !== undefined
  return isOurs ? gateStates.get(signal) : undefined
}

/**
 * Refuses a server whose `requestState.verify` does not know the gate's states.
 *
 * @throws `configuration_invalid` (`reason: 'request_state'`)
 */
export function refuseForeignState(server: McpServer | Server): void {
  // The SDK offers no other way to see the option. Where it is not found, such a call fails in its second leg.
  const hook: unknown = Reflect.get('server' in server ? server.server : server, '_requestStateVerify')
  if (typeof hook !== 'function' || composed.has(hook)) return
  throw new CredentialVaultError(
    'configuration_invalid',
    'credentialGate: the requestState.verify of this server would refuse the state of gated calls. Wrap it: ' +
      'requestState: { verify: withGateState(verify) }, with withGateState from mcp-credential-vault/mcp/sdk-v2.',
    { reason: 'request_state' },
  )
}
