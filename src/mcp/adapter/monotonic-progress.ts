import type { ToolCall } from '../../core/gate/tool-call.ts'

/**
 * Returns a handler's message with its progress raised by what the gate and an earlier run have sent: it has to increase with each
 * notification of a token (MCP 2025-11-25 and 2026-07-28, progress). Every other message is returned unchanged.
 */
export function monotonicProgress(message: unknown, toolCall: ToolCall): unknown {
  if (!isProgress(message)) return message
  const { progress, total } = message.params
  const higher = toolCall.progress.raise(progress)
  if (higher === progress) return message
  const moved = { progress: higher, ...(total === undefined ? {} : { total: total + higher - progress }) }
  return { ...message, params: { ...message.params, ...moved } }
}

interface ProgressMessage {
  readonly method: 'notifications/progress'
  readonly params: { readonly progress: number; readonly total?: number }
}

function isProgress(message: unknown): message is ProgressMessage {
  const { method, params } = message as { method?: unknown; params?: { progress?: unknown } }
  return method === 'notifications/progress' && typeof params?.progress === 'number'
}
