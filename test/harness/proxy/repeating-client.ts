import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { ClientFacts } from '../listening-stream.ts'
import { MODERN } from '../sdk-v2.ts'

export interface RepeatingClient {
  readonly client: Client
  /** What the server has asked, in order. */
  readonly asked: readonly { readonly method: string; readonly params: unknown }[]
}

/** What the client says of itself. */
export const EVERYTHING: ClientFacts = {
  info: { name: 'everything', version: '2' },
  capabilities: { sampling: {}, roots: { listChanged: true }, elicitation: { form: {}, url: {} } },
}

/** A client of MCP 2026-07-28 that can do everything. `fill` is called with a link of the gate before the client accepts it. */
export async function connectRepeating(
  url: string,
  token: string,
  fill: (link: string) => Promise<void> = async () => undefined,
): Promise<RepeatingClient> {
  const asked: { method: string; params: unknown }[] = []
  const client = new Client(EVERYTHING.info as { name: string; version: string }, {
    capabilities: EVERYTHING.capabilities,
    versionNegotiation: { mode: { pin: MODERN } },
  })
  client.setRequestHandler('sampling/createMessage', async ({ params }) => {
    asked.push({ method: 'sampling/createMessage', params })
    return { model: 'm', role: 'assistant', content: { type: 'text', text: 'Because.' } }
  })
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    asked.push({ method: 'elicitation/create', params })
    if (params.mode !== 'url') return { action: 'accept', content: { name: 'this one' } }
    await fill(params.url)
    return { action: 'accept' }
  })
  client.setRequestHandler('roots/list', async () => {
    asked.push({ method: 'roots/list', params: undefined })
    return { roots: [{ uri: 'file:///here', name: 'here' }] }
  })
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  await client.connect(transport as Parameters<Client['connect']>[0])
  return { client, asked }
}
