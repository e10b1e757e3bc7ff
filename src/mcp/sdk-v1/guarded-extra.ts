import type { ServerNotification } from '@modelcontextprotocol/sdk/types.js'
import type { EchoReport } from '../../core/gate/guarded-run.ts'
import { guardOutgoing } from '../../core/gate/outgoing-guard.ts'
import { callOf, remarkCall, type ToolCall } from '../../core/gate/tool-call.ts'
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
      path === 'sendNotification' ? parameters.map((message) => raised(message, toolCall)) : parameters,
  })
}

function sentParameters(path: string): number {
  if (path === 'sendNotification' || path.startsWith('taskStore.')) return Number.POSITIVE_INFINITY
  // The next parameters, a schema and options, hold functions and are not searched.
  return path === 'sendRequest' ? 1 : 0
}

// Progress has to increase with each notification of a token (MCP 2025-11-25, progress), and a wait or an earlier run has used some of it.
function raised(message: unknown, toolCall: ToolCall): unknown {
  if (!isProgress(message)) return message
  const { progress, total } = message.params
  const higher = toolCall.progress.raise(progress)
  if (higher === progress) return message
  const moved = { progress: higher, ...(total === undefined ? {} : { total: total + higher - progress }) }
  return { ...message, params: { ...message.params, ...moved } }
}

function isProgress(message: unknown): message is Extract<ServerNotification, { method: 'notifications/progress' }> {
  const { method, params } = message as { method?: unknown; params?: { progress?: unknown } }
  return method === 'notifications/progress' && typeof params?.progress === 'number'
}
