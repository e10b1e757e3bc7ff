/**
 * The gate and the Streamable HTTP mount for `@modelcontextprotocol/server` 2.x, which serves MCP 2026-07-28 and 2025-11-25.
 *
 * @module mcp-credential-vault/mcp/sdk-v2
 */

export type { AnyGateOptions } from '../adapter/gate-options.ts'
export type { HttpMountOptions } from '../transport/mount-options.ts'
export type { McpMountVault } from '../transport/mount-vault.ts'
export { credentialGate, type GateOptions, type RequireCredentials } from './credential-gate.ts'
export { type CreateServer, type McpMountOptions, mcpMount } from './mcp-mount.ts'
export { type VerifyState, withGateState } from './request-state-verify.ts'
export type { GatedHandler, ToolAnswer, ToolExtra, ToolHandler, ToolParameters } from './tool-handler.ts'
