import type { EchoReport } from '../../core/gate/guarded-run.ts'
import { guardOutgoing } from '../../core/gate/outgoing-guard.ts'
import { callOf, remarkCall, type ToolCall } from '../../core/gate/tool-call.ts'
import { monotonicProgress } from '../adapter/monotonic-progress.ts'
import type { ToolExtra } from './tool-handler.ts'

/**
 * Wraps the handler's `extra` so that every message to the client is first searched for the call's secrets. An `extra` from an outer gate
 * is guarded already, and is only marked with `toolCall`, the call as it is behind this gate.
 */
export function guardedExtra(extra: ToolExtra, toolCall: ToolCall, report: EchoReport): ToolExtra {
  if (callOf(extra)) return remarkCall(extra, toolCall)
  return guardOutgoing(extra, {
    toolCall,
    report,
    sent: sentParameters,
    adjust: (path, parameters) =>
      path === 'sendNotification' ? parameters.map((message) => monotonicProgress(message, toolCall)) : parameters,
  })
}

function sentParameters(path: string): number {
  if (path === 'sendNotification' || path.startsWith('taskStore.')) return Number.POSITIVE_INFINITY
  // The next parameters, a schema and options, hold functions and are not searched.
  return path === 'sendRequest' ? 1 : 0
}
