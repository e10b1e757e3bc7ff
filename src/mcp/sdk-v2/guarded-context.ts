import type { EchoReport } from '../../core/gate/guarded-run.ts'
import { guardOutgoing } from '../../core/gate/outgoing-guard.ts'
import { callOf, remarkCall, type ToolCall } from '../../core/gate/tool-call.ts'
import { monotonicProgress } from '../adapter/monotonic-progress.ts'
import { gateStateOf } from './request-state-verify.ts'
import type { ToolExtra } from './tool-handler.ts'

/**
 * Wraps the handler's `ctx` so that every message to the client is first searched for the call's secrets. A `ctx` from an outer gate is
 * guarded already, and is only marked with `toolCall`, the call as it is behind this gate.
 */
export function guardedContext(ctx: ToolExtra, toolCall: ToolCall, report: EchoReport): ToolExtra {
  if (callOf(ctx)) return remarkCall(ctx, toolCall)
  return guardOutgoing(withoutGateState(ctx), {
    toolCall,
    report,
    sent: (path) => SENT[path] ?? 0,
    adjust: (path, parameters) =>
      path === 'mcpReq.notify' ? parameters.map((message) => monotonicProgress(message, toolCall)) : parameters,
  })
}

/** How many leading parameters are sent. The others, a schema and options, hold functions. */
const SENT: Readonly<Record<string, number>> = {
  'mcpReq.notify': Number.POSITIVE_INFINITY,
  'mcpReq.log': Number.POSITIVE_INFINITY,
  'mcpReq.send': 1,
  'mcpReq.elicitInput': 1,
  'mcpReq.requestSampling': 1,
}

/** A handler that keeps a state of its own must not find the gate's in its place. */
function withoutGateState(ctx: ToolExtra): ToolExtra {
  const { requestState } = ctx.mcpReq
  if (requestState() === undefined) return ctx
  const own = <T>() => (gateStateOf(ctx) === undefined ? requestState<T>() : undefined)
  return { ...ctx, mcpReq: { ...ctx.mcpReq, requestState: own } }
}
