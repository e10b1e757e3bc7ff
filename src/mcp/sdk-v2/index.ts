/**
 * The gate and the Streamable HTTP mount for `@modelcontextprotocol/server` 2.x, which serves MCP 2026-07-28 and 2025-11-25.
 *
 * @module mcp-credential-vault/mcp/sdk-v2
 */

export { type ClientQuirk, type CredentialGateOptions, knownClientQuirks } from '../adapter/client-quirks.ts'
export type { CompletionContext } from '../adapter/completion-extra.ts'
export type { AnyGateOptions, CompletionGateOptions, NamedGateOptions } from '../adapter/gate-options.ts'
export type { Completer, GatedCompleter, Handler, RequireFor, RequireForCompletion } from '../adapter/gated-handlers.ts'
export type { McpMount } from '../transport/mcp-mount.ts'
export type { HttpMountOptions } from '../transport/mount-options.ts'
export type { McpMountVault } from '../transport/mount-vault.ts'
export { credentialGate, type GateOptions, type RequireCredentials, type StrictOptions } from './credential-gate.ts'
export { type CreateServer, type McpMountOptions, mcpMount } from './mcp-mount.ts'
export { type VerifyState, withGateState } from './request-state-verify.ts'
export type {
  GatedHandler,
  PromptAnswer,
  ResourceAnswer,
  ResourceParameters,
  ToolAnswer,
  ToolExtra,
  ToolHandler,
  ToolParameters,
  WithoutArguments,
} from './tool-handler.ts'
