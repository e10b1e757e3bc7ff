import type {
  CallToolResult,
  GetPromptResult,
  InputRequiredResult,
  ReadResourceResult,
  ServerContext,
  Variables,
} from '@modelcontextprotocol/server'

/** The `ctx` that the SDK passes to a tool handler, as the gate hands it on. */
export type ToolExtra = ServerContext

/** A tool's result, or questions of its own that the client answers before it repeats the call (MCP 2026-07-28). */
export type ToolAnswer = CallToolResult | InputRequiredResult

/** A prompt's result, or questions of its own. */
export type PromptAnswer = GetPromptResult | InputRequiredResult

/** A resource's contents, or questions of its own. */
export type ResourceAnswer = ReadResourceResult | InputRequiredResult

/** `(extra)` for a tool without `inputSchema`, else `(args, extra)`. */
// With `any`, TypeScript infers the arguments of an inline handler from the tool's schema.
// biome-ignore lint/suspicious/noExplicitAny: `unknown` infers `extra` as unknown, and overloads break inference altogether.
export type ToolParameters = WithoutArguments | readonly [any, ToolExtra]

/** `(extra)`, which is assumed for an inline handler of a tool without `inputSchema`: no schema tells TypeScript its parameters. */
export type WithoutArguments = readonly [ToolExtra]

/** `(args, extra)`, or `(extra)` for a tool without `inputSchema`. */
export type ToolHandler<P extends ToolParameters> = (...parameters: P) => ToolAnswer | Promise<ToolAnswer>

export type GatedHandler<P extends ToolParameters> = (...parameters: P) => Promise<ToolAnswer>

/** `(uri, extra)` for a resource with a fixed URI, `(uri, variables, extra)` for a template. */
export type ResourceParameters = readonly [URL, ToolExtra] | readonly [URL, Variables, ToolExtra]
