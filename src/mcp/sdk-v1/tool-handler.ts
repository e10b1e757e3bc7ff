import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import type { CallToolResult, ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js'

/** What the SDK hands to a tool handler beside its arguments. */
export type ToolExtra = RequestHandlerExtra<ServerRequest, ServerNotification>

/** `(extra)` for a tool without `inputSchema`, else `(args, extra)`. */
// `any` is what lets TypeScript infer the arguments of an inline handler from the tool's schema, and `extra` where there are none.
// biome-ignore lint/suspicious/noExplicitAny: `unknown` infers `extra` as unknown, and overloads break inference altogether.
export type ToolParameters = readonly [ToolExtra] | readonly [any, ToolExtra]

/** `(args, extra)`, or `(extra)` for a tool without `inputSchema`. */
export type ToolHandler<P extends ToolParameters> = (...parameters: P) => CallToolResult | Promise<CallToolResult>

export type GatedHandler<P extends ToolParameters> = (...parameters: P) => Promise<CallToolResult>
