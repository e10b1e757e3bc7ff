import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'

/** A tool error in words: it reaches the model and the user, and is exempt from the tool's output schema. */
export function toolError(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true }
}
