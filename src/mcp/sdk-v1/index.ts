/**
 * The gate and the Streamable HTTP mount for `@modelcontextprotocol/sdk` 1.x.
 *
 * @module mcp-credential-vault/mcp/sdk-v1
 */

export { type ClientQuirk, type CredentialGateOptions, knownClientQuirks } from '../adapter/client-quirks.ts'
export type { CompletionContext } from '../adapter/completion-extra.ts'
export type { AnyGateOptions, CompletionGateOptions, NamedGateOptions } from '../adapter/gate-options.ts'
export type { Completer, GatedCompleter, Handler, RequireFor, RequireForCompletion } from '../adapter/gated-handlers.ts'
export type { McpMount } from '../transport/mcp-mount.ts'
export type { HttpMountOptions } from '../transport/mount-options.ts'
export type { McpMountVault } from '../transport/mount-vault.ts'
export { credentialGate, type GateOptions, type RequireCredentials } from './credential-gate.ts'
export { type CreateServer, type McpMountOptions, mcpMount } from './mcp-mount.ts'
export type {
  GatedHandler,
  ResourceParameters,
  ToolExtra,
  ToolHandler,
  ToolParameters,
  WithoutArguments,
} from './tool-handler.ts'
