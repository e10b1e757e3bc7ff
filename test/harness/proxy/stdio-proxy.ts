import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import type { Middleware } from 'koa'
import type { ProxyConfig, UpstreamOptions } from '../../../src/proxy/config/upstream-options.ts'
import { createProxy } from '../../../src/server/proxy/create-proxy.ts'
import {
  type ConnectOptions,
  connectClient,
  fillIn,
  type Harness,
  startHarness,
  type TestClient,
} from '../mcp-harness.ts'
import { TOKENS } from './proxy-harness.ts'
import { type StandInService, startStandInService } from './stand-in-service.ts'
import { stdioServerFile } from './stdio-server-file.ts'

/** Calls a tool and returns the text of its answer. */
export async function tool({ client }: TestClient, name: string, parameters: object = {}): Promise<string> {
  const { content } = CallToolResultSchema.parse(await client.callTool({ name, arguments: { ...parameters } }))
  return content.map((block) => (block.type === 'text' ? block.text : block.type)).join('\n')
}

/** Ends the session as a client does that closes. */
export async function endSession({ client }: TestClient): Promise<void> {
  if (client.transport instanceof StreamableHTTPClientTransport) await client.transport.terminateSession()
}

/** The proxy in front of one unmodified server over stdio, which acts at a service that knows Alice and Bob by their tokens. */
export interface StdioProxy {
  readonly harness: Harness
  readonly service: StandInService
  readonly url: string
  /** Where the folders of children are. */
  readonly folder: string
  /** What the operator was told, and what children wrote to standard error. */
  readonly lines: readonly string[]
  connect(user: string, options?: ConnectOptions): Promise<TestClient>
  connectAndFill(user: keyof typeof TOKENS, options?: ConnectOptions): Promise<TestClient>
  /** Ends the sessions of one user's clients. */
  disconnectAll(user: string): Promise<void>
  /** Folders and files of children that are there now. */
  remains(): readonly string[]
  close(): Promise<void>
}

export interface StdioProxyOptions {
  readonly upstream?: Partial<UpstreamOptions>
  readonly proxy?: Omit<ProxyConfig, 'upstreams'>
  readonly harness?: Parameters<typeof startHarness>[0]
}

export async function startStdioProxy(options: StdioProxyOptions = {}): Promise<StdioProxy> {
  const service = await startStandInService()
  for (const [who, token] of Object.entries(TOKENS)) service.know(token, who)
  const folder = mkdtempSync(join(tmpdir(), 'stdio-proxy-'))
  const lines: string[] = []
  const upstream: UpstreamOptions = {
    command: [process.execPath, stdioServerFile()],
    environment: { SERVICE: service.origin },
    env: { TOKEN: '{pat}' },
    label: 'GitLab',
    credential: { variables: { pat: { label: 'Personal access token', type: 'password' } } },
    catalogue: options.upstream?.snapshot === undefined ? 'user' : 'snapshot',
    ...options.upstream,
  }
  const children = { folder, secretsFolder: folder, ...options.proxy?.children }
  const note = (_fields: object, message: string) => void lines.push(message)
  const logger = { debug: note, info: note, warn: note, error: note }
  const harness = await startHarness({
    ...options.harness,
    serve: ({ vault }) =>
      createProxy(vault, { ...options.proxy, children, upstreams: { gitlab: upstream } }, { logger }) as Middleware,
  })
  const url = `${harness.baseUrl}/gitlab/mcp`
  const clients: { readonly user: string; readonly client: TestClient }[] = []

  async function connect(user: string, connectOptions: ConnectOptions = {}): Promise<TestClient> {
    const { clientId } = connectOptions
    const token = await harness.identityProvider.issueAccessToken(user, clientId === undefined ? {} : { clientId })
    const client = await connectClient(url, token, connectOptions)
    clients.push({ user, client })
    return client
  }

  return {
    harness,
    service,
    url,
    folder,
    lines,
    connect,
    connectAndFill: (user, connectOptions = {}) =>
      connect(user, {
        onLink: async (link) => {
          await fillIn(link, user, { pat: TOKENS[user] })
          return 'accept' as const
        },
        ...connectOptions,
      }),
    async disconnectAll(user) {
      await Promise.all(clients.filter((one) => one.user === user).map(({ client }) => endSession(client)))
    },
    remains: () =>
      readdirSync(folder).flatMap((instance) => readdirSync(join(folder, instance)).filter((name) => name !== 'alive')),
    async close() {
      await Promise.all(clients.map(({ client }) => client.client.close()))
      await harness.close()
      await service.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
