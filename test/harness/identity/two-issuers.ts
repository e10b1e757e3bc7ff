import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import Koa from 'koa'
import { onTestFinished } from 'vitest'
import type { HttpBrowser, Page } from '../../../examples/tickets/http-browser.ts'
import { type MemoryAudit, memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { oidc } from '../../../src/identity/oidc.ts'
import { credentialGate, mcpMount, type ToolExtra } from '../../../src/mcp/sdk-v1/index.ts'
import type { CredentialVault } from '../../../src/vault/credential-vault.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { type ExampleClient, exampleClient, withToken } from '../processes/example-client.ts'
import { browserClient, startIdentityProvider, type TestIdentityProvider } from './identity-provider.ts'

export interface TwoIssuers {
  readonly baseUrl: string
  readonly vault: CredentialVault
  readonly audit: MemoryAudit
  readonly a: TestIdentityProvider
  readonly b: TestIdentityProvider
  /** A client with a token; its tool `secret` tells how long the caller's secret is. */
  connect(token: string): Promise<ExampleClient>
  /** Opens a link, and signs in at one of the two. */
  signIn(browser: HttpBrowser, link: string, at: TestIdentityProvider, name: string): Promise<Page>
}

/** A server for the people of two real identity providers, each with an Alice and a Bob. It ends with the test. */
export async function startTwoIssuers(): Promise<TwoIssuers> {
  const app = new Koa()
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`
  const options = {
    resource: `${baseUrl}/mcp`,
    clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
  }
  // Cookies do not tell ports apart, so each has a host of its own.
  const a = await startIdentityProvider({ ...options, host: '127.0.0.1' })
  const b = await startIdentityProvider({ ...options, host: 'localhost' })
  const audit = memoryAudit()
  const vault = await openVault({
    serverBaseUrl: baseUrl,
    backend: memoryBackend(),
    audit,
    identity: [oidc({ issuer: a.issuer, clientId: 'form' }), oidc({ issuer: b.issuer, clientId: 'form' })],
    warn: () => undefined,
  })
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await Promise.all([vault.close(), a.close(), b.close()])
  })
  const variables = { pat: { label: 'Token', type: 'password' } } as const
  const jira = new CredentialsProvider({ vault, name: 'jira', variables })
  vault.register(app)
  app.use(
    mcpMount(vault, (serverOptions) => {
      const mcp = new McpServer({ name: 'test', version: '1.0.0' }, serverOptions)
      const handler = credentialGate(mcp)(jira, async (extra: ToolExtra) => {
        const text = await jira.getCredentials(extra).use(({ pat }) => `a secret of ${pat.length} characters`)
        return { content: [{ type: 'text', text }] }
      })
      mcp.registerTool('secret', {}, handler)
      return mcp
    }),
  )
  server.on('request', app.callback())
  return {
    baseUrl,
    vault,
    audit,
    a,
    b,
    connect: (token) => exampleClient(withToken(`${baseUrl}/mcp`, token)),
    async signIn(browser, link, at, name) {
      const page = await browser.press(await browser.open(link), `Sign in with ${new URL(at.issuer).host}`)
      const provider = await browser.follow(page, 'Continue')
      return provider.html.includes('Continue as') ? browser.press(provider, `Continue as ${name}`) : provider
    },
  }
}
