import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { CallToolResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { onTestFinished } from 'vitest'
import { httpBrowser } from '../../../examples/tickets/http-browser.ts'
import { startTicketService, type TicketService } from '../../../examples/tickets/ticket-service.ts'

export interface ToolAnswer {
  /** The tool's text, or the message of the error that the call ended with. */
  readonly text: string
  /** A tool's error, which its model reads. False for a JSON-RPC error. */
  readonly isError: boolean
}

type ToolParameters = Readonly<Record<string, unknown>>

export interface ExampleClient {
  readonly client: Client
  /** The text of `answer`. */
  call(tool: string, parameters?: ToolParameters): Promise<string>
  answer(tool: string, parameters?: ToolParameters): Promise<ToolAnswer>
}

/** A client of SDK 1.x; with `onLink` it can be asked by URL elicitation. It ends with the test. */
export async function exampleClient(transport: Transport, onLink?: (link: string) => unknown): Promise<ExampleClient> {
  const capabilities = onLink ? { elicitation: { url: {} } } : {}
  const client = new Client({ name: 'example-client', version: '1.0.0' }, { capabilities })
  if (onLink) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      if (params.mode !== 'url') throw new Error('asked in form mode')
      void onLink(params.url)
      return { action: 'accept' }
    })
  }
  await client.connect(transport)
  onTestFinished(() => client.close())
  return {
    client,
    call: async (tool, parameters) => (await answerOf(client, tool, parameters)).text,
    answer: (tool, parameters) => answerOf(client, tool, parameters),
  }
}

/** Calls a tool with any client of SDK 1.x. */
export async function answerOf(client: Client, tool: string, parameters: ToolParameters = {}): Promise<ToolAnswer> {
  try {
    const result = CallToolResultSchema.parse(await client.callTool({ name: tool, arguments: parameters }))
    const text = result.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
    return { text, isError: result.isError ?? false }
  } catch (error) {
    return { text: error instanceof Error ? error.message : String(error), isError: false }
  }
}

/** Streamable HTTP with a token that the client has already. */
export function withToken(url: string, token: string): Transport {
  const headers = { authorization: `Bearer ${token}` }
  return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }) as Transport
}

export interface ExampleTickets extends TicketService {
  /** Makes one on the service's page. `Alice` or `Bob`. */
  newToken(user: string): Promise<string>
}

/** The ticket service of the examples; it ends with the test. */
export async function exampleTickets(): Promise<ExampleTickets> {
  const service = await startTicketService()
  onTestFinished(() => service.close())
  return { ...service, newToken: (user) => newTokenAt(service.origin, user) }
}

/** Makes a token on the page of a ticket service, which ends the user's token from before. */
export async function newTokenAt(origin: string, user: string): Promise<string> {
  const browser = httpBrowser()
  const made = await browser.press(await browser.open(`${origin}/`), `New token for ${user}`)
  return /tkt_[A-Za-z0-9_-]{32}/.exec(made.html)?.[0] ?? ''
}
