import type { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { McpServer as McpServerV2 } from '@modelcontextprotocol/server'
import type { CredentialVault } from '../vault/credential-vault.ts'

/**
 * Registers tools on a new server. It is called once for each server, and once at start so that providers are registered. There is a server
 * for each connection, and for each request of MCP 2026-07-28 or with `--stateless`.
 */
export type DefineTools<Server = McpServerV1> = (server: Server, vault: CredentialVault) => void | Promise<void>

/**
 * A module for `mcp-credential-vault start`: its default export, and the SDK whose servers it takes. The module exports `sdk = 'v2'` for
 * `@modelcontextprotocol/server` 2.x; without `sdk`, it takes those of `@modelcontextprotocol/sdk` 1.x.
 */
export type ToolsModule =
  | { readonly sdk: 'v1'; readonly define: DefineTools<McpServerV1> }
  | { readonly sdk: 'v2'; readonly define: DefineTools<McpServerV2> }
