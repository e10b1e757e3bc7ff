import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import type { Variables } from '@modelcontextprotocol/sdk/shared/uriTemplate.js'
import type { CallToolResult, ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js'

/** The `extra` that the SDK passes to a tool handler. */
export type ToolExtra = RequestHandlerExtra<ServerRequest, ServerNotification>

/** `(extra)` for a tool without `inputSchema`, else `(args, extra)`. */
// With `any`, TypeScript infers the arguments of an inline handler from the tool's schema.
// biome-ignore lint/suspicious/noExplicitAny: `unknown` infers `extra` as unknown, and overloads break inference altogether.
export type ToolParameters = WithoutArguments | readonly [any, ToolExtra]

/** `(extra)`, which is assumed for an inline handler of a tool without `inputSchema`: no schema tells TypeScript its parameters. */
export type WithoutArguments = readonly [ToolExtra]

/** `(args, extra)`, or `(extra)` for a tool without `inputSchema`. */
export type ToolHandler<P extends ToolParameters> = (...parameters: P) => CallToolResult | Promise<CallToolResult>

export type GatedHandler<P extends ToolParameters> = (...parameters: P) => Promise<CallToolResult>

/** `(uri, extra)` for a resource with a fixed URI, `(uri, variables, extra)` for a template. */
export type ResourceParameters = readonly [URL, ToolExtra] | readonly [URL, Variables, ToolExtra]
