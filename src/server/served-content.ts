import type { KoaMiddleware } from '../core/ports/koa.ts'
import type { CredentialVault } from '../vault/credential-vault.ts'
import { type McpMode, mcpEndpoint } from './mcp-endpoint.ts'
import type { ToolsModule } from './tools-module.ts'

/** What the runnable server serves beside the vault's own pages. */
export interface ServedContent {
  /** Word for the log, such as `MCP endpoint`. */
  readonly what: string
  /** Path below the base URL that the log and the command show. */
  readonly path: string
  /** Routes for the access log, below the base URL. */
  readonly routes: readonly string[]
  /** Registers the providers, so that their forms are served. */
  declareProviders(vault: CredentialVault): Promise<void>
  /** Serves what is not a page. A form tier does not call it. */
  mount(vault: CredentialVault): KoaMiddleware
}

/** Serves a module of tools at `/mcp`. */
export async function servedTools(tools: ToolsModule, mode: McpMode): Promise<ServedContent> {
  const { declareProviders, mount } = await mcpEndpoint(tools)
  return {
    ...{ what: 'MCP endpoint', path: '/mcp', routes: ['/mcp'] },
    declareProviders,
    mount: (vault) => mount(vault, mode),
  }
}
