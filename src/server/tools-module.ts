import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { CredentialVault } from '../vault/credential-vault.ts'

/** Default export of a module for `mcp-credential-vault start`: registers tools on a new server. Called once for each client, and once at start so that providers announce themselves. */
export type DefineTools = (server: McpServer, vault: CredentialVault) => void | Promise<void>
