import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { McpServer, type ServerOptions } from '@modelcontextprotocol/server'
import type { KoaMiddleware } from '../../src/core/ports/koa.ts'
import { credentialGate, mcpMount, type ToolAnswer, type ToolExtra } from '../../src/mcp/sdk-v2/index.ts'
import type { CredentialVault } from '../../src/vault/credential-vault.ts'
import { MODERN } from '../harness/sdk-v2.ts'
import { recordedFetch } from './recording.ts'
import type { Trace } from './trace.ts'
import type { Handle, World } from './world.ts'

/** What the tool `probe` of the mount for SDK 2.x does in the call that comes next. */
export type ModernProbe = (handle: Handle, ctx: ToolExtra) => unknown

/** A client of MCP 2026-07-28. */
export interface ModernClient {
  readonly client: Client
  /** What the user does when a link is shown. */
  onLink: (link: string) => 'accept' | 'decline' | 'cancel' | Promise<'accept' | 'decline' | 'cancel'>
  call(tool?: 'probe' | 'strict'): Promise<{ text: string; isError: boolean }>
}

export const MODERN_PATH = '/modern'

/** Serves `probe` and `strict` through the mount for SDK 2.x. */
export function serveModern(
  vault: CredentialVault,
  provider: World['provider'],
  probe: () => ModernProbe,
): KoaMiddleware {
  const createServer = (options: ServerOptions) => {
    const server = new McpServer({ name: 'canary', version: '1.0.0' }, options)
    const gate = credentialGate(server)
    const work = async (ctx: ToolExtra): Promise<ToolAnswer> => {
      const outcome = await probe()(provider.getCredentials(ctx), ctx)
      return typeof outcome === 'object' && outcome !== null
        ? (outcome as ToolAnswer)
        : { content: [{ type: 'text', text: String(outcome) }] }
    }
    server.registerTool('probe', {}, gate(provider, work))
    server.registerTool('strict', {}, gate(provider, { strict: true }, work))
    return server
  }
  return mcpMount(vault, createServer, { path: MODERN_PATH })
}

export async function connectModern(
  trace: Trace,
  baseUrl: string,
  token: string,
  { urlMode }: { readonly urlMode: boolean },
): Promise<ModernClient> {
  const client = new Client(
    { name: 'Canary Client', version: '2.0.0' },
    {
      capabilities: urlMode ? { elicitation: { url: {} } } : {},
      versionNegotiation: { mode: { pin: MODERN } },
    },
  )
  const connected: ModernClient = {
    client,
    onLink: () => 'cancel',
    async call(tool = 'probe') {
      const { content, isError } = await client.callTool({ name: tool, arguments: {} })
      const text = content.map((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n')
      return { text, isError: isError ?? false }
    },
  }
  if (urlMode) {
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      if (params.mode !== 'url') throw new Error('asked in form mode')
      return { action: await connected.onLink(params.url) }
    })
  }
  const transport = new StreamableHTTPClientTransport(new URL(baseUrl + MODERN_PATH), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: recordedFetch(trace),
  })
  await client.connect(transport as Parameters<Client['connect']>[0])
  return connected
}
