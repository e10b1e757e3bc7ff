import { Client, type ElicitResult, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { createRequestStateCodec, McpServer } from '@modelcontextprotocol/server'
import type Koa from 'koa'
import { credentialGate, mcpMount, type ToolExtra, withGateState } from '../../src/mcp/sdk-v2/index.ts'
import type { CredentialVault } from '../../src/vault/credential-vault.ts'
import { recordedFetch } from './recording.ts'
import type { Trace } from './trace.ts'
import type { Handle, World } from './world.ts'

/** What the tool `probe` of the mount for SDK 2.x does in the leg that comes next. */
export type ModernProbe = (handle: Handle, ctx: ToolExtra) => unknown

/** A client of SDK 2.x. */
export interface ModernClient {
  readonly client: Client
  /** What the user does when a link is shown. */
  onLink: (link: string) => ElicitResult['action'] | Promise<ElicitResult['action']>
  call(tool?: string): Promise<{ text: string; isError: boolean }>
}

export type ModernClients = Readonly<Record<'asking' | 'plain' | 'legacy', ModernClient>>

/** The application's own state, which is only signed: whoever sees it can read it. */
export const appState = createRequestStateCodec<{ step: string }>({ key: 'k'.repeat(32) })

export const MODERN_PATH = '/modern'

export function modernMount(
  vault: CredentialVault,
  provider: World['provider'],
  probe: () => ModernProbe,
): Koa.Middleware {
  return mcpMount(
    vault,
    (options) => {
      const server = new McpServer(
        { name: 'canary', version: '2.0.0' },
        { ...options, capabilities: { logging: {} }, requestState: { verify: withGateState(appState.verify) } },
      )
      const gate = credentialGate(server)
      const work = async (ctx: ToolExtra) => {
        const outcome = await probe()(provider.getCredentials(ctx), ctx)
        return typeof outcome === 'object' && outcome !== null
          ? (outcome as { content: [] })
          : { content: [{ type: 'text' as const, text: String(outcome) }] }
      }
      server.registerTool('probe', {}, gate(provider, { tool: 'probe' }, work))
      server.registerTool('fail_fast', {}, gate(provider, { failFast: true }, work))
      server.registerTool('strict', {}, gate(provider, { strict: true }, work))
      // No gate, so nothing stands between it and the client: for the self-check.
      server.registerTool('planted', {}, async (ctx) => (await probe()({} as Handle, ctx)) as { content: [] })
      return server
    },
    { path: MODERN_PATH },
  )
}

/** Alice's clients of that mount: two of MCP 2026-07-28, of which `plain` has no URL mode, and one of MCP 2025-11-25. */
export async function connectModern(
  trace: Trace,
  url: string,
  issueToken: () => Promise<string>,
): Promise<ModernClients> {
  const connect = async (era: 'modern' | 'legacy', urlMode: boolean) =>
    connectOne(trace, { url, token: await issueToken(), era, urlMode })
  return {
    asking: await connect('modern', true),
    plain: await connect('modern', false),
    legacy: await connect('legacy', true),
  }
}

interface Connection {
  readonly url: string
  readonly token: string
  readonly era: 'modern' | 'legacy'
  readonly urlMode: boolean
}

async function connectOne(trace: Trace, { url, token, era, urlMode }: Connection): Promise<ModernClient> {
  const client = new Client(
    { name: 'Canary Client', version: '2.0.0' },
    {
      capabilities: urlMode ? { elicitation: { url: {}, form: {} }, sampling: {} } : {},
      versionNegotiation: { mode: era === 'legacy' ? 'legacy' : { pin: '2026-07-28' } },
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
  if (urlMode)
    client.setRequestHandler('elicitation/create', async ({ params }) => ({
      action: params.mode === 'url' ? await connected.onLink(params.url) : 'accept',
    }))
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: recordedFetch(trace),
  })
  await client.connect(transport as Parameters<Client['connect']>[0])
  return connected
}
