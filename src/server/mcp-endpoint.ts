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
export function mcpEndpoint(tools: ToolsModule): Promise<McpEndpoint> {
  return tools.sdk === 'v2' ? endpointOfV2(tools.define) : endpointOfV1(tools.define)
}

async function endpointOfV1(define: Extract<ToolsModule, { sdk: 'v1' }>['define']): Promise<McpEndpoint> {
  const [{ McpServer }, { mcpMount }] = await installed('@modelcontextprotocol/sdk', () =>
    Promise.all([import('@modelcontextprotocol/sdk/server/mcp.js'), import('../mcp/sdk-v1/mcp-mount.ts')]),
  )
  return endpointOf({
    define,
    newServer: (options?: ConstructorParameters<typeof McpServer>[1]) => new McpServer(implementation(), options),
    mountOf: (vault, createServer, mode) => mcpMount(vault, createServer, { mode }),
  })
}

async function endpointOfV2(define: Extract<ToolsModule, { sdk: 'v2' }>['define']): Promise<McpEndpoint> {
  const [{ McpServer }, { mcpMount }] = await installed('@modelcontextprotocol/server', () =>
    Promise.all([import('@modelcontextprotocol/server'), import('../mcp/sdk-v2/mcp-mount.ts')]),
  )
  return endpointOf({
    define,
    newServer: (options?: ConstructorParameters<typeof McpServer>[1]) => new McpServer(implementation(), options),
    mountOf: (vault, createServer, mode) => mcpMount(vault, createServer, { legacy: mode }),
  })
}

interface SdkParts<Server, Options> {
  readonly define: DefineTools<Server>
  readonly newServer: (options?: Options) => Server
  readonly mountOf: (
    vault: CredentialVault,
    createServer: (options: Options) => Promise<Server>,
    mode: McpMode,
  ) => KoaMiddleware
}

function endpointOf<Server, Options>({ define, newServer, mountOf }: SdkParts<Server, Options>): McpEndpoint {
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

function implementation() {
  return { name: 'mcp-credential-vault', version: packageVersion() }
}

/** Imports a part late that needs an SDK, an optional peer. */
async function installed<T>(name: string, load: () => Promise<T>): Promise<T> {
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
