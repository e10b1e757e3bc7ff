import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js'
import { CallToolResultSchema, ElicitRequestSchema, type ElicitResult } from '@modelcontextprotocol/sdk/types.js'
import { recordedFetch } from './recording.ts'
import type { Trace } from './trace.ts'

export interface CanaryClient {
  readonly client: Client
  /** What the user does when a link is shown. */
  onLink: (link: string) => ElicitResult['action'] | Promise<ElicitResult['action']>
  call(tool?: string, options?: RequestOptions): Promise<{ text: string; isError: boolean }>
}

export async function connectClient(
  trace: Trace,
  url: string,
  token: string,
  { urlMode = false }: { readonly urlMode?: boolean } = {},
): Promise<CanaryClient> {
  const client = new Client(
    { name: 'Canary Client', version: '1.0.0' },
    { capabilities: urlMode ? { elicitation: { url: {} } } : {} },
  )
  const connected: CanaryClient = {
    client,
    onLink: () => 'cancel',
    async call(tool = 'probe', options = {}) {
      const result = await client.callTool({ name: tool, arguments: {} }, undefined, options)
      const { content, isError } = CallToolResultSchema.parse(result)
      const text = content.map((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n')
      return { text, isError: isError ?? false }
    },
  }
  if (urlMode) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      if (params.mode !== 'url') throw new Error('asked in form mode')
      return { action: await connected.onLink(params.url) }
    })
  }
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: recordedFetch(trace),
  })
  await client.connect(transport as Parameters<Client['connect']>[0])
  return connected
}
