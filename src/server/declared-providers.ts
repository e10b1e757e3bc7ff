import type { AuditSink } from '../core/ports/audit-sink.ts'
import type { FormProvider } from '../core/ports/form-provider.ts'
import type { CredentialVault } from '../vault/credential-vault.ts'
import { createStores } from '../vault/environment/create-stores.ts'
import { openVault } from '../vault/open-vault.ts'
import { shareVault } from '../vault/provider/provider-vault.ts'
import { mcpEndpoint } from './mcp-endpoint.ts'
import type { ToolsModule } from './tools-module.ts'

/** Nothing is released or saved through the vault below. */
const NO_AUDIT: AuditSink = { append: async () => ({ writer: 'none', seq: 1 }), close: async () => {} }

/** Returns the providers that a module of tools declares, by name. It runs the module with an empty vault in memory, and serves nothing. */
export async function declaredProviders(tools: ToolsModule): Promise<ReadonlyMap<string, FormProvider>> {
  const providers = new Map<string, FormProvider>()
  const { backend, pendingStore } = createStores({ MCP_VAULT_BACKEND: 'memory' })
  const options = { serverBaseUrl: 'http://127.0.0.1', backend, pendingStore, audit: NO_AUDIT, warn: () => {} }
  const vault = await openVault(options)
  const watched: CredentialVault = {
    ...vault,
    attach(form, end) {
      providers.set(form.name, form)
      return vault.attach(form, end)
    },
  }
  try {
    // Also for providers that name no vault.
    shareVault(watched)
    await (await mcpEndpoint(tools)).declareProviders(watched)
    return providers
  } finally {
    await vault.close()
  }
}
