import type { ServerNotification } from '@modelcontextprotocol/sdk/types.js'
import { guardOutgoing } from '../../core/gate/outgoing-guard.ts'
import { callOf, type ToolCall } from '../../core/gate/tool-call.ts'
import type { ToolExtra } from './tool-handler.ts'

/**
 * The handler's `extra`, with everything that it can send to the client searched for the call's secrets first. An `extra` that an outer
 * gate has handed out is guarded already.
 */
export function guardedExtra(extra: ToolExtra, toolCall: ToolCall, report: () => Promise<void>): ToolExtra {
  if (callOf(extra)) return extra
  return guardOutgoing(extra, {
    toolCall,
    report,
    sent: sentParameters,
    adjust: (path, parameters) =>
      path === 'sendNotification'
        ? parameters.map((message) => afterHeartbeats(message, toolCall.heartbeats()))
        : parameters,
  })
}

function sentParameters(path: string): number {
  if (path === 'sendNotification' || path.startsWith('taskStore.')) return Number.POSITIVE_INFINITY
  // A schema for the answer and options follow, which hold functions.
  return path === 'sendRequest' ? 1 : 0
}

// Progress has to increase with each notification of a token (MCP 2025-11-25, progress), and the wait has used some of it.
function afterHeartbeats(message: unknown, heartbeats: number): unknown {
  if (heartbeats === 0 || !isProgress(message)) return message
  const { progress, total } = message.params
  const moved = { progress: progress + heartbeats, ...(total === undefined ? {} : { total: total + heartbeats }) }
  return { ...message, params: { ...message.params, ...moved } }
}

function isProgress(message: unknown): message is Extract<ServerNotification, { method: 'notifications/progress' }> {
  const { method, params } = message as { method?: unknown; params?: { progress?: unknown } }
  return method === 'notifications/progress' && typeof params?.progress === 'number'
}
