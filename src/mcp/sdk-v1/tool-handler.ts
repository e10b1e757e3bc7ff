import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import type { CallToolResult, ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js'

/** What the SDK hands to a tool handler beside its arguments. */
export type ToolExtra = RequestHandlerExtra<ServerRequest, ServerNotification>

/** `(args, extra)`, or `(extra)` for a tool without `inputSchema`. */
export type ToolHandler<P extends readonly unknown[]> = (...parameters: P) => CallToolResult | Promise<CallToolResult>

export type GatedHandler<P extends readonly unknown[]> = (...parameters: P) => Promise<CallToolResult>
