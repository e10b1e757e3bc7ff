import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { CredentialVault } from '../vault/credential-vault.ts'

/**
 * Default export of a module for `mcp-credential-vault start`. It registers tools on a new server. It is called once for each client, and
 * once at start so that providers are registered.
 */
export type DefineTools = (server: McpServer, vault: CredentialVault) => void | Promise<void>
