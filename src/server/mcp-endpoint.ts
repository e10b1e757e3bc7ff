import { packageVersion } from '../core/host/package-version.ts'
import { CredentialVaultError } from '../core/model/errors.ts'
import type { KoaMiddleware } from '../core/ports/koa.ts'
import type { CredentialVault } from '../vault/credential-vault.ts'
import type { DefineTools, ToolsModule } from './tools-module.ts'

export type McpMode = 'sessionful' | 'stateless'

/** What serves a module's tools through the SDK that it is written for. */
export interface McpEndpoint {
  /** Defines the tools on a server that is not connected, so that their providers are registered. */
  declareProviders(vault: CredentialVault): Promise<void>
  /** Serves the tools on `/mcp`. */
  mount(vault: CredentialVault, mode: McpMode): KoaMiddleware
}

/**
 * Loads the SDK of a module. Only that one has to be installed.
 *
 * @throws `configuration_invalid` (`reason: 'sdk_missing'`), naming the package
 */
export async function mcpEndpoint(tools: ToolsModule): Promise<McpEndpoint> {
  if (tools.sdk === 'v2') {
    const [{ McpServer }, { mcpMount }] = await importSdk('@modelcontextprotocol/server', () =>
      Promise.all([import('@modelcontextprotocol/server'), import('../mcp/sdk-v2/mcp-mount.ts')]),
    )
    return endpointOf(tools.define, McpServer, (vault, createServer, legacy) =>
      mcpMount(vault, createServer, { legacy }),
    )
  }
  const [{ McpServer }, { mcpMount }] = await importSdk('@modelcontextprotocol/sdk', () =>
    Promise.all([import('@modelcontextprotocol/sdk/server/mcp.js'), import('../mcp/sdk-v1/mcp-mount.ts')]),
  )
  return endpointOf(tools.define, McpServer, (vault, createServer, mode) => mcpMount(vault, createServer, { mode }))
}

function endpointOf<Server, Options>(
  define: DefineTools<Server>,
  McpServer: new (implementation: { name: string; version: string }, options?: Options) => Server,
  mountOf: (
    vault: CredentialVault,
    createServer: (options: Options) => Promise<Server>,
    mode: McpMode,
  ) => KoaMiddleware,
): McpEndpoint {
  const newServer = (options?: Options) =>
    new McpServer({ name: 'mcp-credential-vault', version: packageVersion() }, options)
  return {
    declareProviders: async (vault) => define(newServer(), vault),
    mount(vault, mode) {
      const createServer = async (options: Options) => {
        const server = newServer(options)
        await define(server, vault)
        return server
      }
      return mountOf(vault, createServer, mode)
    },
  }
}

/** Imports parts that need an SDK, which is an optional peer. */
async function importSdk<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    if (!isMissing || !error.message.includes(name)) throw error
    throw new CredentialVaultError('configuration_invalid', `The MCP SDK is not installed. Run: npm install ${name}`, {
      reason: 'sdk_missing',
    })
  }
}

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
