import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js'
import {
  type CallToolResult,
  CallToolResultSchema,
  type ClientCapabilities,
  ElicitationCompleteNotificationSchema,
  ElicitRequestSchema,
  type ElicitResult,
} from '@modelcontextprotocol/sdk/types.js'
import Koa from 'koa'
import { type HttpBrowser, httpBrowser, type Page, textOf } from '../../examples/tickets/http-browser.ts'
import { type MemoryAudit, memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import type { Logger } from '../../src/core/host/logger.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { VariablesOptions } from '../../src/core/model/variables.ts'
import type { AuditSink } from '../../src/core/ports/audit-sink.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import type { TelemetryOptions } from '../../src/core/telemetry/telemetry.ts'
import { oidc } from '../../src/identity/oidc.ts'
import {
  type CredentialGateOptions,
  credentialGate,
  type McpMountOptions,
  mcpMount,
  type RequireCredentials,
  type ToolExtra,
} from '../../src/mcp/sdk-v1/index.ts'
import type { CredentialVault } from '../../src/vault/credential-vault.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import type { OpenVaultOptions } from '../../src/vault/parts/open-vault-options.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import type { CredentialsProviderOptions } from '../../src/vault/provider/credentials-provider-options.ts'
import type { AdminOptions } from '../../src/web/admin/admin-options.ts'
import { browserClient, startIdentityProvider, type TestIdentityProvider } from './identity/identity-provider.ts'

export const jiraVariables = { pat: { label: 'Personal access token', type: 'password' } } as const

export interface HarnessOptions {
  readonly mount?: McpMountOptions
  readonly gate?: CredentialGateOptions
  readonly backend?: SecretBackend
  readonly linkTtlSeconds?: number
  readonly vault?: Partial<OpenVaultOptions>
  /** Opens a second vault, a replica that serves all pages, while the first serves the tools. Called for each of the two. */
  readonly shared?: () => Pick<OpenVaultOptions, 'pendingStore' | 'browserSessions' | 'changeFeed'>
  /** The web key of both replicas. Default a new one. */
  readonly webKey?: string
  readonly warn?: (message: string) => void
  readonly logger?: Logger
  readonly telemetry?: TelemetryOptions
  readonly maxRejectedOwnersPerMinute?: number
  readonly cacheSeconds?: number
  readonly expiryNoticeDays?: number
  /** Given the issuer, since SCIM names it. */
  readonly admin?: (issuer: string) => AdminOptions
  readonly wrapAudit?: (audit: MemoryAudit) => AuditSink
  readonly jira?: Partial<CredentialsProviderOptions<VariablesOptions>>
  /** Serves the MCP endpoint in place of the mount for SDK 1.x. */
  readonly serve?: (parts: {
    jira: CredentialsProvider<typeof jiraVariables>
    vault: CredentialVault
  }) => Koa.Middleware
  /** Registers tools beside or instead of `read_secret`, which answers with the secret's length. */
  readonly tools?: (
    server: McpServer,
    gate: RequireCredentials,
    parts: { jira: CredentialsProvider; vault: CredentialVault },
  ) => void
}

export interface Harness {
  readonly baseUrl: string
  readonly vault: CredentialVault
  /** The vault that serves the pages: the second replica, where there is one. */
  readonly pages: CredentialVault
  readonly jira: CredentialsProvider<typeof jiraVariables>
  /** The provider in `pages`. */
  readonly pagesJira: CredentialsProvider<typeof jiraVariables>
  readonly audit: MemoryAudit
  readonly backend: SecretBackend
  readonly identityProvider: TestIdentityProvider
  owner(user: string): { issuer: string; subject: string }
  /** Removes the user's credential and its mark. Default provider: jira. */
  forget(user: string, provider?: string): Promise<void>
  /** A client with this user's token. */
  connect(user: string, options?: ConnectOptions): Promise<TestClient>
  /** Every client is gone at once. */
  disconnectAll(): void
  /** How many responses the server has begun and not ended. */
  openResponses(): number
  close(): Promise<void>
}

export interface ConnectOptions {
  /** How the client answers a link; without it, it declares no URL mode. */
  readonly onLink?: (link: string) => ElicitResult['action'] | Promise<ElicitResult['action']>
  readonly clientId?: string
  /** In place of the global one. */
  readonly fetch?: typeof fetch
  /** What the client says of itself. Default: "Test Client" 1.0.0. */
  readonly info?: { readonly name: string; readonly version: string }
  /** In place of those that `onLink` makes. */
  readonly capabilities?: ClientCapabilities
  /** Sent with each request. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface TestClient {
  readonly client: Client
  /** Links that came by URL elicitation, and the ids of those reported complete. */
  readonly links: string[]
  readonly elicitationIds: string[]
  readonly completed: string[]
  call(tool?: string, options?: RequestOptions): Promise<CallToolResult>
  /** Text of the call's answer, and whether it was an error. */
  text(tool?: string, options?: RequestOptions): Promise<{ text: string; isError: boolean }>
}

export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const app = new Koa()
  app.silent = true
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`
  const identityProvider = await startIdentityProvider({
    resource: `${baseUrl}/mcp`,
    clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
  })
  const audit = memoryAudit()
  const backend = options.backend ?? memoryBackend()
  const { shared } = options
  const vaultOptions: OpenVaultOptions = {
    serverBaseUrl: baseUrl,
    backend,
    audit: options.wrapAudit?.(audit) ?? audit,
    identity: oidc({ issuer: identityProvider.issuer, clientId: 'form', scopes: ['mcp'] }),
    linkTtlSeconds: options.linkTtlSeconds ?? 600,
    rateLimits: { pagesPerMinute: 100_000, loginsPerMinute: 100_000, submitsPerMinute: 100_000 },
    warn: options.warn ?? (() => undefined),
    ...(options.logger && { logger: options.logger }),
    telemetry: options.telemetry,
    ...options.vault,
    ...(options.admin && { admin: options.admin(identityProvider.issuer) }),
    ...(options.expiryNoticeDays !== undefined && { expiryNoticeDays: options.expiryNoticeDays }),
    ...(options.cacheSeconds !== undefined && { cacheSeconds: options.cacheSeconds }),
    ...(options.maxRejectedOwnersPerMinute && { maxRejectedOwnersPerMinute: options.maxRejectedOwnersPerMinute }),
    ...(shared && { webKey: options.webKey ?? generateKeyText() }),
  }
  const vault = await openVault({ ...vaultOptions, ...shared?.() })
  const providerIn = (one: CredentialVault) =>
    new CredentialsProvider({
      vault: one,
      name: 'jira',
      variables: jiraVariables,
      ...options.jira,
    } as CredentialsProviderOptions<typeof jiraVariables>)
  const pages = shared && (await openVault({ ...vaultOptions, ...shared() }))
  const pagesJira = pages && providerIn(pages)
  pagesJira?.register(app)
  const jira = providerIn(vault)
  app.use(vault.healthRoutes().routes)
  jira.register(app)
  const clients: Client[] = []
  app.use(
    options.serve?.({ jira, vault }) ??
      mcpMount(
        vault,
        (serverOptions) => {
          const mcp = new McpServer({ name: 'test', version: '1.0.0' }, serverOptions)
          const gate = credentialGate(mcp, options.gate)
          mcp.registerTool(
            'read_secret',
            {},
            gate(jira, { tool: 'read_secret' }, async (extra) => ({
              content: [{ type: 'text', text: await secretLength(jira, extra) }],
            })),
          )
          mcp.registerTool(
            'fail_fast',
            {},
            gate(jira, { failFast: true }, async (extra) => ({
              content: [{ type: 'text', text: await secretLength(jira, extra) }],
            })),
          )
          mcp.registerTool('open', {}, async () => ({ content: [{ type: 'text', text: 'open to all' }] }))
          options.tools?.(mcp, gate, { jira, vault })
          return mcp
        },
        options.mount,
      ),
  )

  let open = 0
  server.on('request', (_request, response) => {
    open += 1
    response.once('close', () => (open -= 1))
  })
  server.on('request', app.callback())

  return {
    baseUrl,
    vault,
    pages: pages ?? vault,
    jira,
    pagesJira: pagesJira ?? jira,
    audit,
    backend,
    identityProvider,
    owner: (user) => ({ issuer: identityProvider.issuer, subject: user }),
    async forget(user, provider = 'jira') {
      const key = storageKey(provider, { issuer: identityProvider.issuer, subject: user })
      const call = { signal: new AbortController().signal, correlationId: 'test' }
      await backend.revoke(key, { expect: 'any', purge: true, operationId: randomUUID() }, call)
      // Behind core's back: what it has just looked at it believes for 10 ms.
      await delay(20)
    },
    async connect(user, connectOptions = {}) {
      const token = await identityProvider.issueAccessToken(
        user,
        connectOptions.clientId === undefined ? {} : { clientId: connectOptions.clientId },
      )
      const connected = await connectClient(`${baseUrl}/mcp`, token, connectOptions)
      clients.push(connected.client)
      return connected
    },
    disconnectAll: () => server.closeAllConnections(),
    openResponses: () => open,
    async close() {
      await Promise.all(clients.map((client) => client.close()))
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await vault.close()
      await pages?.close()
      await identityProvider.close()
    },
  }
}

function secretLength(jira: CredentialsProvider<typeof jiraVariables>, extra: ToolExtra): Promise<string> {
  return jira.getCredentials(extra).use(({ pat }) => `a secret of ${pat.length} characters`)
}

/** A client with this token at the MCP endpoint of any server. */
export async function connectClient(
  url: string,
  token: string,
  { onLink, fetch: ownFetch, headers, info, capabilities }: ConnectOptions,
): Promise<TestClient> {
  const links: string[] = []
  const elicitationIds: string[] = []
  const completed: string[] = []
  const client = new Client(info ?? { name: 'Test Client', version: '1.0.0' }, {
    capabilities: capabilities ?? (onLink ? { elicitation: { url: {} } } : {}),
  })
  if (onLink) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      if (params.mode !== 'url') throw new Error('asked in form mode')
      links.push(params.url)
      elicitationIds.push(params.elicitationId)
      return { action: await onLink(params.url) }
    })
    client.setNotificationHandler(
      ElicitationCompleteNotificationSchema,
      ({ params }) => void completed.push(params.elicitationId),
    )
  }
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { ...headers, authorization: `Bearer ${token}` } },
    ...(ownFetch && { fetch: ownFetch }),
  })
  await client.connect(transport as Parameters<Client['connect']>[0])
  const call = async (tool = 'read_secret', options?: RequestOptions) =>
    CallToolResultSchema.parse(await client.callTool({ name: tool, arguments: {} }, undefined, options))
  return {
    client,
    links,
    elicitationIds,
    completed,
    call,
    async text(tool, options) {
      const { content, isError } = await call(tool, options)
      return {
        text: content.map((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n'),
        isError: isError ?? false,
      }
    },
  }
}

/** The first link in a text. */
export function linkIn(text: string): string {
  return /http:\/\/localhost:\d+\/credentials\/\S+/.exec(text)?.[0] ?? ''
}

/** Walks a link to the form: sign-in page, identity provider, form; or to the refusal in its place. */
export async function openForm(browser: HttpBrowser, link: string, user: string): Promise<Page> {
  const page = await browser.open(link)
  if (page.html.includes('name="csrf-token"') || !/sign in/i.test(textOf(page.html))) return page
  const goingThere = await browser.press(page, 'Sign in')
  const provider = await browser.follow(goingThere, 'Continue')
  return provider.html.includes('Continue as')
    ? browser.press(provider, `Continue as ${user[0]?.toUpperCase()}${user.slice(1)}`)
    : provider
}

/** Signs in, fills in the form and saves. */
export async function fillIn(
  link: string,
  user: string,
  fields: Readonly<Record<string, string>>,
  browser = httpBrowser(),
): Promise<Page> {
  return browser.press(await openForm(browser, link, user), 'Save', fields)
}
