import {
  Client,
  type ClientOptions,
  type ElicitResult,
  type RequestOptions,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { McpServer, type McpServerOptions } from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { KoaMiddleware } from '../../src/core/ports/koa.ts'
import {
  credentialGate,
  type McpMountOptions,
  mcpMount,
  type RequireCredentials,
  type ToolExtra,
} from '../../src/mcp/sdk-v2/index.ts'
import type { CredentialVault } from '../../src/vault/credential-vault.ts'
import type { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import { type Harness, type HarnessOptions, type jiraVariables, startHarness } from './mcp-harness.ts'

export const MODERN = '2026-07-28'

export interface HarnessV2Options extends Omit<HarnessOptions, 'tools' | 'mount' | 'serve'> {
  readonly mount?: McpMountOptions
  readonly serverOptions?: McpServerOptions
  readonly tools?: (server: McpServer, gate: RequireCredentials, parts: ToolParts) => void
}

export interface ToolParts {
  readonly jira: CredentialsProvider<typeof jiraVariables>
  readonly vault: CredentialVault
}

export interface HarnessV2 extends Harness {
  /** Handler runs, by tool. */
  readonly runs: Map<string, number>
  /** The mount with these tools, for another server. */
  serve(parts: ToolParts): KoaMiddleware
  /** A client of SDK 2.x with this user's token. */
  connectV2(user: string, options?: ConnectV2Options): Promise<TestClientV2>
}

export interface ConnectV2Options {
  /** Default: pinned to 2026-07-28. */
  readonly era?: 'legacy' | 'auto' | 'modern'
  /** How the client answers a link; without it, it declares no URL mode. */
  readonly onLink?: (link: string) => ElicitResult['action'] | Promise<ElicitResult['action']>
  readonly clientId?: string
  /** What the client says of itself. Default: "Test Client" 2.0.0. */
  readonly info?: { readonly name: string; readonly version: string }
  readonly options?: Partial<ClientOptions>
  readonly fetch?: typeof fetch
}

export interface TestClientV2 {
  readonly client: Client
  readonly token: string
  readonly links: string[]
  readonly messages: string[]
  text(
    tool?: string,
    args?: Record<string, unknown>,
    options?: RequestOptions,
  ): Promise<{ text: string; isError: boolean }>
}

/** Serves `read_secret`, `other_tool`, `fail_fast`, `strict` and `echo_length`, which takes `{ times }`, through the mount for SDK 2.x. */
export async function startHarnessV2(options: HarnessV2Options = {}): Promise<HarnessV2> {
  const { mount, serverOptions: ownOptions, tools, ...rest } = options
  const runs = new Map<string, number>()
  const clients: Client[] = []
  const serve: HarnessV2['serve'] = ({ vault, jira }) =>
    mcpMount(
      vault,
      (serverOptions) => {
        const server = new McpServer({ name: 'test', version: '1.0.0' }, { ...serverOptions, ...ownOptions })
        const gate = credentialGate(server, rest.gate)
        const counted = (tool: string) => async (extra: ToolExtra) => {
          runs.set(tool, (runs.get(tool) ?? 0) + 1)
          return { content: [{ type: 'text' as const, text: await secretLength(jira, extra) }] }
        }
        server.registerTool('read_secret', {}, gate(jira, counted('read_secret')))
        server.registerTool('other_tool', {}, gate(jira, counted('other_tool')))
        server.registerTool('fail_fast', {}, gate(jira, { failFast: true }, counted('fail_fast')))
        server.registerTool('strict', {}, gate(jira, { strict: true }, counted('strict')))
        server.registerTool(
          'echo_length',
          { inputSchema: z.object({ times: z.number() }) },
          gate(jira, async ({ times }, extra) => {
            const { content } = await counted('echo_length')(extra)
            return { content: Array.from({ length: times }, () => content).flat() }
          }),
        )
        server.registerTool('open', {}, async () => ({ content: [{ type: 'text', text: 'open to all' }] }))
        tools?.(server, gate, { jira, vault })
        return server
      },
      mount,
    )
  const harness = await startHarness({ ...rest, serve })
  return {
    ...harness,
    serve,
    runs,
    async connectV2(user, connectOptions = {}) {
      const { clientId } = connectOptions
      const token = await harness.identityProvider.issueAccessToken(user, clientId === undefined ? {} : { clientId })
      const connected = await connectClientV2(`${harness.baseUrl}/mcp`, token, connectOptions)
      clients.push(connected.client)
      return connected
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()))
      await harness.close()
    },
  }
}

function secretLength(jira: ToolParts['jira'], extra: ToolExtra): Promise<string> {
  return jira.getCredentials(extra).use(({ pat }) => `a secret of ${pat.length} characters`)
}

export async function connectClientV2(
  url: string,
  token: string,
  { era = 'modern', onLink, info, options, fetch: ownFetch }: ConnectV2Options,
): Promise<TestClientV2> {
  const links: string[] = []
  const messages: string[] = []
  const client = new Client(info ?? { name: 'Test Client', version: '2.0.0' }, {
    capabilities: onLink ? { elicitation: { url: {} } } : {},
    versionNegotiation: { mode: era === 'modern' ? { pin: MODERN } : era },
    ...options,
  })
  if (onLink) {
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      if (params.mode !== 'url') throw new Error('asked in form mode')
      links.push(params.url)
      messages.push(params.message)
      return { action: await onLink(params.url) }
    })
  }
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    ...(ownFetch && { fetch: ownFetch }),
  })
  await client.connect(transport as Parameters<Client['connect']>[0])
  return {
    client,
    token,
    links,
    messages,
    async text(tool = 'read_secret', args = {}, requestOptions) {
      const { content, isError } = await client.callTool({ name: tool, arguments: args }, requestOptions)
      return {
        text: content.map((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n'),
        isError: isError ?? false,
      }
    },
  }
}

/** One request of MCP 2026-07-28 by hand, so that a test decides what its legs carry. */
export interface RawLeg {
  /** Default `tools/call`. */
  readonly method?: 'tools/call' | 'prompts/get' | 'resources/read'
  /** Name of the tool or prompt, or URI of the resource. */
  readonly tool?: string
  readonly args?: Record<string, unknown>
  readonly requestState?: string | undefined
  readonly inputResponses?: Record<string, unknown>
  readonly capabilities?: object
  readonly progressToken?: string
  readonly signal?: AbortSignal
}

export interface RawAnswer {
  readonly status: number
  readonly result?: {
    readonly resultType?: string
    readonly requestState?: string
    readonly inputRequests?: Record<string, { readonly params: { readonly url: string } }>
    readonly content?: readonly { readonly text: string }[]
    readonly isError?: boolean
    readonly messages?: readonly { readonly content: { readonly text: string } }[]
    readonly contents?: readonly { readonly text?: string }[]
    readonly cacheScope?: string
  }
  readonly error?: { readonly code: number; readonly message: string }
}

/** The key of the question for a provider's credential. */
export const KEY = 'credential:jira'
export const ACCEPTED = { [KEY]: { action: 'accept' } } as const

export async function rawLeg(url: string, token: string, leg: RawLeg = {}): Promise<RawAnswer> {
  const { method = 'tools/call', tool = 'read_secret', args = {}, progressToken, signal } = leg
  const { requestState, inputResponses } = leg
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': { name: 'Raw Client', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': leg.capabilities ?? { elicitation: { url: {} } },
    ...(progressToken === undefined ? {} : { progressToken }),
  }
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': MODERN,
      'mcp-method': method,
      'mcp-name': tool,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method,
      params: {
        ...(method === 'resources/read' ? { uri: tool } : { name: tool, arguments: args }),
        _meta,
        ...(requestState === undefined ? {} : { requestState }),
        ...(inputResponses && { inputResponses }),
      },
    }),
    ...(signal && { signal }),
  })
  const text = await response.text()
  const data = text.startsWith('{') ? text : (/^data: (.*"(?:result|error)".*)$/m.exec(text)?.[1] ?? '{}')
  return { status: response.status, ...JSON.parse(data) }
}
