import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished, vi } from 'vitest'
import { type MemoryAudit, memoryAudit } from '../../src/audit/memory.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import type { BundleTier } from '../../src/core/ports/store-keys.ts'
import { type RunningServer, startServer } from '../../src/server/start-server.ts'
import { browserClient, startIdentityProvider, type TestIdentityProvider } from './identity/identity-provider.ts'
import { type ConnectOptions, connectClient, type TestClient } from './mcp-harness.ts'
import { sharedPendingStore, tierTools } from './tier-tools.ts'

/** `start --tier form` and `start --tier tool` behind one address, as a proxy routes them. */
export interface TwoTiers {
  readonly baseUrl: string
  readonly form: RunningServer
  readonly tools: RunningServer
  readonly formAudit: MemoryAudit
  readonly toolAudit: MemoryAudit
  readonly warnings: readonly string[]
  readonly identityProvider: TestIdentityProvider
  connect(user: string, options?: ConnectOptions): Promise<TestClient>
}

/** @param environments what each tier has beside what both have */
export async function startTwoTiers(
  environments: Readonly<Record<BundleTier, Readonly<Record<string, string>>>>,
): Promise<TwoTiers> {
  const targets: Record<BundleTier, string> = { form: '', tool: '' }
  const proxy = createServer((request, response) => {
    const isPage = request.url?.startsWith('/credentials') ?? false
    pass(targets[isPage ? 'form' : 'tool'], request, response)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://localhost:${(proxy.address() as AddressInfo).port}`
  const identityProvider = await startIdentityProvider({
    resource: `${baseUrl}/mcp`,
    clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
  })
  const pendingStore = sharedPendingStore()
  const [formAudit, toolAudit] = [memoryAudit(), memoryAudit()]
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  const both = {
    MCP_SERVER_BASE_URL: baseUrl,
    MCP_OIDC_ISSUER: identityProvider.issuer,
    MCP_OIDC_CLIENT_ID: 'form',
    MCP_OIDC_SCOPES: 'mcp',
    MCP_WEB_KEY: generateKeyText(),
    MCP_CACHE_SECONDS: '30',
    MCP_SESSION_IDLE_SECONDS: '900',
  }

  async function start(tier: BundleTier): Promise<RunningServer> {
    for (const [name, value] of Object.entries({ ...both, ...environments[tier] })) vi.stubEnv(name, value)
    try {
      const server = await startServer({
        tools: { sdk: 'v1', define: tierTools },
        port: 0,
        host: '127.0.0.1',
        mode: 'sessionful',
        tier,
        given: { pendingStore, audit: tier === 'form' ? formAudit : toolAudit, warn },
      })
      targets[tier] = server.address
      return server
    } finally {
      vi.unstubAllEnvs()
    }
  }

  const form = await start('form')
  const tools = await start('tool')
  const clients: TestClient[] = []
  onTestFinished(async () => {
    await Promise.all(clients.map(({ client }) => client.close()))
    proxy.closeAllConnections()
    await new Promise((resolve) => proxy.close(resolve))
    await Promise.all([form.close(), tools.close()])
    await identityProvider.close()
  })
  return {
    baseUrl,
    form,
    tools,
    formAudit,
    toolAudit,
    warnings,
    identityProvider,
    async connect(user, options = {}) {
      const token = await identityProvider.issueAccessToken(user)
      const client = await connectClient(`${baseUrl}/mcp`, token, options)
      clients.push(client)
      return client
    },
  }
}

/** Passes a request on as a proxy does. */
export function pass(target: string, request: IncomingMessage, response: ServerResponse): void {
  const sent = forward(new URL(request.url ?? '/', target), { method: request.method, headers: request.headers })
  sent.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers)
    answer.pipe(response)
  })
  sent.once('error', () => response.destroy())
  response.once('close', () => sent.destroy())
  request.pipe(sent)
}
