import {
  completable,
  fromJsonSchema,
  McpServer,
  ResourceTemplate,
  type ServerEventBus,
  type ServerOptions,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { credentialGate, type ToolExtra, withGateState } from '../../src/mcp/sdk-v2/index.ts'
import type { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import { ASKING_TOOLS, answered, type DuringCall } from './asking-tools.ts'
import { ANSWERS, fromTemplate, JSON_SCHEMA, PROMPTS, RESOURCES, TEMPLATE, text } from './fixtures.ts'
import { offerInputRequired, states } from './input-required.ts'

/** A server of SDK 2.x with everything that the scenarios of both revisions expect, open to all, and a gated tool beside it. */
export function makeServerV2(jira: CredentialsProvider, bus: ServerEventBus, options: ServerOptions): McpServer {
  const server = new McpServer(
    { name: 'conformance-v2', version: '1.0.0' },
    {
      ...options,
      capabilities: {
        logging: {},
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { subscribe: true },
      },
      requestState: { verify: withGateState(states.verify) },
    },
  )
  offerTools(server, jira)
  offerTriggers(server, bus)
  offerInputRequired(server)
  for (const { name, parameters, answer } of PROMPTS) {
    const shape = Object.fromEntries(parameters.map((one) => [one, completable(z.string(), () => ['paris', 'park'])]))
    const config = { description: `The prompt ${name}.` }
    if (parameters.length === 0) server.registerPrompt(name, config, () => answer({}))
    else server.registerPrompt(name, { ...config, argsSchema: z.object(shape) }, (given) => answer(given))
  }
  for (const resource of RESOURCES) {
    const { uri, mimeType } = resource
    server.registerResource(uri, uri, { description: 'A resource.', mimeType }, () => ({ contents: [resource] }))
  }
  const template = new ResourceTemplate(TEMPLATE, { list: undefined })
  server.registerResource('template', template, { description: 'A template.' }, (uri, { id }) => ({
    contents: [fromTemplate(uri.href, String(id))],
  }))
  server.server.setRequestHandler('resources/subscribe', () => ({}))
  server.server.setRequestHandler('resources/unsubscribe', () => ({}))
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
    if (argument === undefined) server.registerTool(name, config, (ctx) => answered(run(duringCall(ctx), '')))
    else
      server.registerTool(name, { ...config, inputSchema: z.object({ [argument]: z.string() }) }, (given, ctx) =>
        answered(run(duringCall(ctx), String(given[argument]))),
      )
  }
  server.registerTool(
    'json_schema_2020_12_tool',
    { description: 'A tool with a rich schema.', inputSchema: fromJsonSchema(JSON_SCHEMA) },
    () => ({ content: [text('taken')] }),
  )
  server.registerTool(
    'test_custom_headers',
    {
      description: 'A tool whose argument travels in a header too.',
      inputSchema: z.object({ region: z.string().meta({ 'x-mcp-header': 'Region' }) }),
    },
    ({ region }) => ({ content: [text(region)] }),
  )
  server.registerTool('test_logging_tool', { description: 'Logs.' }, async (ctx) => {
    await ctx.mcpReq.log('info', 'Nobody asked for this.')
    return { content: [text('logged')] }
  })
}

/** Tools that change a list, of which streams of `subscriptions/listen` are told. */
function offerTriggers(server: McpServer, bus: ServerEventBus): void {
  for (const list of ['tools', 'prompts'] as const) {
    const name = `test_trigger_${list.slice(0, -1)}_change`
    server.registerTool(name, { description: `Says that the list of ${list} has changed.` }, () => {
      bus.publish({ kind: `${list}_list_changed` })
      return { content: [text('published')] }
    })
  }
}

function duringCall({ mcpReq }: ToolExtra): DuringCall {
  const progressToken = mcpReq._meta?.progressToken
  // Without it the SDK uses the session's own stream, and drops the question if the client has not opened one yet.
  const onCall = { relatedRequestId: mcpReq.id }
  return {
    log: (words) => mcpReq.log('info', words),
    progress:
      progressToken === undefined
        ? undefined
        : (progress) =>
            mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } }),
    async sample(prompt) {
      const messages = [{ role: 'user' as const, content: text(prompt) }]
      const { content } = await mcpReq.requestSampling({ messages, maxTokens: 100 }, onCall)
      return 'text' in content ? content.text : ''
    },
    ask: (message, requestedSchema) => mcpReq.elicitInput({ mode: 'form', message, requestedSchema }, onCall),
  }
}
