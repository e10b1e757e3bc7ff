import {
  Client,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  StreamableHTTPClientTransport,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/client'
import { oauthLogin } from '../../examples/tickets/mcp-client.ts'
import { versionOf } from './versions.ts'
import type { CallEnd, OnQuestion, Walk } from './walk.ts'

const version = versionOf('node_modules/@modelcontextprotocol/client')
const CALL = { name: 'create_ticket', arguments: { title: 'Printer is on fire' } }
const MODES = { pinned: { pin: '2026-07-28' }, auto: 'auto', legacy: 'legacy' } as const

interface Options {
  readonly urlMode?: boolean
  readonly declines?: boolean
  readonly refused?: boolean
  readonly fillsLater?: boolean
}

/** The client of SDK 2.x, pinned to MCP 2026-07-28, with either revision, or with MCP 2025-11-25 only. */
function walk(mode: keyof typeof MODES, server: Walk['server'], options: Options = {}): Walk {
  const { urlMode = true, declines = false, refused = false, fillsLater = false } = options
  const suffix = `${urlMode ? '' : ', no URL mode'}${declines ? ', user declines' : ''}`
  return {
    ...{ client: `SDK 2.x, ${mode}${suffix}`, version, server, declines, refused, fillsLater },
    async connect({ url }, onQuestion) {
      const client = await connected(url, mode, urlMode ? onQuestion : undefined)
      return { call: () => callOf(client), close: () => client.close() }
    },
  }
}

async function connected(url: string, mode: keyof typeof MODES, onQuestion?: OnQuestion): Promise<Client> {
  const client = new Client(
    { name: 'example-client', version: '2.0.0' },
    { capabilities: onQuestion ? { elicitation: { url: {} } } : {}, versionNegotiation: { mode: MODES[mode] } },
  )
  if (onQuestion)
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      if (params.mode !== 'url') throw new Error('asked in form mode')
      return { action: onQuestion(params.message, params.url).action }
    })
  const login = oauthLogin('Alice')
  const authProvider = withDiscovery(login.provider as OAuthClientProvider)
  const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider })
  const first = transport()
  // Unauthorized: the transport has sent the user to the identity provider and waits for the code.
  await client.connect(first as Parameters<Client['connect']>[0]).catch(() => undefined)
  await first.finishAuth(await login.callback())
  await client.connect(transport() as Parameters<Client['connect']>[0])
  return client
}

/** This client compares the issuer of the callback with the one that it found. */
function withDiscovery(provider: OAuthClientProvider): OAuthClientProvider {
  let found: OAuthDiscoveryState | undefined
  return Object.assign(provider, {
    discoveryState: () => found,
    saveDiscoveryState(state: OAuthDiscoveryState) {
      found = state
    },
  })
}

async function callOf(client: Client): Promise<CallEnd> {
  try {
    const { content, isError = false } = await client.callTool(CALL)
    return { text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''), isError }
  } catch (error) {
    if (!(error instanceof UrlElicitationRequiredError)) throw error
    return { text: error.message, isError: true }
  }
}

export const sdk2Walks: readonly Walk[] = [
  walk('pinned', '2.x'),
  walk('pinned', '2.x fail-fast', { fillsLater: true }),
  walk('pinned', '2.x', { urlMode: false }),
  walk('pinned', '2.x', { declines: true }),
  walk('pinned', '1.x', { refused: true }),
  walk('auto', '2.x'),
  walk('auto', '2.x', { urlMode: false }),
  walk('auto', '1.x'),
  walk('legacy', '2.x'),
  walk('legacy', '2.x fail-fast'),
  walk('legacy', '2.x stateless'),
  walk('legacy', '2.x', { urlMode: false }),
  walk('legacy', '1.x'),
]
