import { completable } from '@modelcontextprotocol/sdk/server/completable.js'
import type { ServerOptions } from '@modelcontextprotocol/sdk/server/index.js'
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js'
import { SubscribeRequestSchema, UnsubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { credentialGate, type ToolExtra } from '../../src/mcp/sdk-v1/index.ts'
import type { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import { ASKING_TOOLS, answered, type DuringCall } from './asking-tools.ts'
import { ANSWERS, fromTemplate, PROMPTS, RESOURCES, TEMPLATE, text } from './fixtures.ts'

/** A server of SDK 1.x with everything that the scenarios expect, open to all, and a gated tool beside it. */
export function makeServerV1(jira: CredentialsProvider, options: ServerOptions): McpServer {
  const server = new McpServer(
    { name: 'conformance-v1', version: '1.0.0' },
    { ...options, capabilities: { logging: {}, resources: { subscribe: true } } },
  )
  offerTools(server, jira)
  for (const { name, parameters, answer } of PROMPTS) {
    const argsSchema = Object.fromEntries(
      parameters.map((one) => [one, completable(z.string(), () => ['paris', 'park'])]),
    )
    const config = { description: `The prompt ${name}.` }
    if (parameters.length === 0) server.registerPrompt(name, config, () => answer({}))
    else server.registerPrompt(name, { ...config, argsSchema }, (given) => answer(given as Record<string, string>))
  }
  for (const resource of RESOURCES) {
    const { uri, mimeType } = resource
    server.registerResource(uri, uri, { description: 'A resource.', mimeType }, () => ({ contents: [resource] }))
  }
  const template = new ResourceTemplate(TEMPLATE, { list: undefined })
  server.registerResource('template', template, { description: 'A template.' }, (uri, { id }) => ({
    contents: [fromTemplate(uri.href, String(id))],
  }))
  server.server.setRequestHandler(SubscribeRequestSchema, () => ({}))
  server.server.setRequestHandler(UnsubscribeRequestSchema, () => ({}))
  return server
}

function offerTools(server: McpServer, jira: CredentialsProvider): void {
  const requireCredentials = credentialGate(server)
  server.registerTool(
    'read_secret',
    { description: 'Says how long the secret is.' },
    requireCredentials(jira, async (extra) => ({
      content: [text(await jira.getCredentials(extra).use(({ pat }) => `${pat?.length} characters`))],
    })),
  )
  for (const [name, content] of Object.entries(ANSWERS))
    server.registerTool(name, { description: `The tool ${name}.` }, () => ({ content }))
  for (const [name, { argument, run }] of Object.entries(ASKING_TOOLS)) {
    const config = { description: `The tool ${name}.` }
    if (argument === undefined)
      server.registerTool(name, config, (extra) => answered(run(duringCall(server, extra), '')))
    else
      server.registerTool(name, { ...config, inputSchema: { [argument]: z.string() } }, (given, extra) =>
        answered(run(duringCall(server, extra), String(given[argument]))),
      )
  }
  const address = z.object({ street: z.string().optional(), city: z.string().optional() }).meta({ id: 'address' })
  server.registerTool(
    'json_schema_2020_12_tool',
    {
      description: 'A tool with a rich schema.',
      inputSchema: z.strictObject({ name: z.string().optional(), address }),
    },
    () => ({ content: [text('taken')] }),
  )
}

function duringCall({ server }: McpServer, extra: ToolExtra): DuringCall {
  const onCall = { relatedRequestId: extra.requestId }
  const progressToken = extra._meta?.progressToken
  return {
    log: (data) => extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } }),
    progress:
      progressToken === undefined
        ? undefined
        : (progress) =>
            extra.sendNotification({
              method: 'notifications/progress',
              params: { progressToken, progress, total: 100 },
            }),
    async sample(prompt) {
      const messages = [{ role: 'user' as const, content: text(prompt) }]
      const { content } = await server.createMessage({ messages, maxTokens: 100 }, onCall)
      return 'text' in content ? content.text : ''
    },
    ask: (message, requestedSchema) => server.elicitInput({ mode: 'form', message, requestedSchema }, onCall),
  }
}
