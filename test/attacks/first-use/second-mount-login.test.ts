import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { McpServer } from '@modelcontextprotocol/server'
import Koa from 'koa'
import { expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { oidc } from '../../../src/identity/oidc.ts'
import { mcpMount } from '../../../src/mcp/sdk-v2/index.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { memoryLogin } from '../../harness/client-login.ts'
import { startIdentityProvider } from '../../harness/identity/identity-provider.ts'

// As migrating-to-sdk-v2.md advises to try it.
test.each(['/mcp', '/mcp/next'])('a client without a token is sent to sign in from a mount at %s', async (path) => {
  const app = new Koa()
  const server = createServer(app.callback())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`
  const provider = await startIdentityProvider({ resource: `${baseUrl}/mcp` })
  const vault = await openVault({
    serverBaseUrl: baseUrl,
    backend: memoryBackend(),
    audit: memoryAudit(),
    webKey: generateKeyText(),
    identity: oidc({ issuer: provider.issuer, clientId: 'mcp-form', scopes: ['mcp'] }),
  })
  vault.register(app)
  app.use(mcpMount(vault, (options) => new McpServer({ name: 'test', version: '1.0.0' }, options), { path }))
  server.removeAllListeners('request').on('request', app.callback())
  const login = memoryLogin('A client')
  const transport = new StreamableHTTPClientTransport(new URL(path, baseUrl), { authProvider: login.provider as never })
  const failure = await new Client({ name: 'c', version: '1' })
    .connect(transport)
    .catch((error: Error) => error.message)
  server.closeAllConnections()
  server.close()
  await vault.close()
  await provider.close()
  expect(failure).toBe('Unauthorized')
  expect(login.seen.authorizationUrl).toContain(provider.issuer)
})
