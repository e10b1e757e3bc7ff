import { auditVariables } from './audit-from-environment.ts'
import { storeVariables } from './create-stores.ts'
import { vaultOptionVariables } from './vault-options-from-environment.ts'

/** Every environment variable of ours whose name begins with MCP_. */
export const knownVariables: ReadonlySet<string> = new Set(
  [...auditVariables, ...storeVariables, ...vaultOptionVariables, 'MCP_WEB_KEY', 'MCP_WEB_KEY_FILE'].filter((name) =>
    name.startsWith('MCP_'),
  ),
)
