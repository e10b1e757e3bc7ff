import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { completable } from '@modelcontextprotocol/sdk/server/completable.js'
import { type McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  SubscribeRequestSchema,
  ToolListChangedNotificationSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'

/** Registers one of everything that MCP 2025-11-25 has. */
export function registerWholeSurface(server: McpServer): void {
  const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value) }] })
  const subscribed = new Set<string>()
  server.server.registerCapabilities({ resources: { subscribe: true, listChanged: true } })
  server.server.setRequestHandler(SubscribeRequestSchema, async ({ params }) => {
    subscribed.add(params.uri)
    return {}
  })
  server.server.setRequestHandler(UnsubscribeRequestSchema, async ({ params }) => {
    subscribed.delete(params.uri)
    return {}
  })
  server.registerTool('sample', {}, async (extra) =>
    text(
      await extra.sendRequest(
        {
          method: 'sampling/createMessage',
          params: { messages: [{ role: 'user', content: { type: 'text', text: 'Why?' } }], maxTokens: 5 },
        },
        z.unknown() as never,
      ),
    ),
  )
  server.registerTool('elicit', {}, async (extra) =>
    text(
      await extra.sendRequest(
        {
          method: 'elicitation/create',
          params: {
            mode: 'form',
            message: 'Which one?',
            requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
          },
        },
        z.unknown() as never,
      ),
    ),
  )
  server.registerTool('roots', {}, async (extra) =>
    text(await extra.sendRequest({ method: 'roots/list' }, z.unknown() as never)),
  )
  server.registerTool('progress', {}, async (extra) => {
    const progressToken = extra._meta?.progressToken
    for (const progress of [1, 2, 3])
      if (progressToken !== undefined)
        await extra.sendNotification({
          method: 'notifications/progress',
          params: { progressToken, progress, total: 3 },
        })
    return text('done')
  })
  server.registerTool('log', {}, async () => {
    await server.server.sendLoggingMessage({ level: 'warning', data: 'to whom it may concern' })
    return text('logged')
  })
  server.registerTool('update', {}, async () => {
    for (const uri of subscribed) await server.server.sendResourceUpdated({ uri })
    return text([...subscribed])
  })
  server.registerTool('grow', {}, async () => {
    server.registerTool('grown', {}, async () => text('grown'))
    return text('larger')
  })
  server.registerTool('fail', {}, async () => {
    throw new Error('it broke')
  })
  server.registerResource('note', 'note://one', { mimeType: 'text/plain' }, async (uri) => ({
    contents: [{ uri: uri.href, text: 'a note' }],
  }))
  server.registerResource(
    'page',
    new ResourceTemplate('page://{name}', { list: undefined, complete: { name: () => ['first', 'second'] } }),
    {},
    async (uri, { name }) => ({ contents: [{ uri: uri.href, text: `page ${name}` }] }),
  )
  server.registerPrompt(
    'greet',
    {
      argsSchema: { who: completable(z.string(), (value) => ['Ada', 'Alan'].filter((name) => name.startsWith(value))) },
    },
    ({ who }) => ({ messages: [{ role: 'user', content: { type: 'text', text: `Greet ${who}` } }] }),
  )
}

/** Goes through everything at a server over HTTP, and returns what the client saw. */
export function transcriptOf(url: string, token: string, listening: () => Promise<void>): Promise<readonly unknown[]> {
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  return transcriptWith(transport as Transport, listening)
}

/** Goes through everything with a client that can do everything, and returns what it saw. */
export async function transcriptWith(
  transport: Transport,
  listening: () => Promise<void>,
): Promise<readonly unknown[]> {
  const seen: unknown[] = []
  const note = (what: string, value: unknown) => void seen.push([what, value])
  const client = new Client(
    { name: 'everything', version: '1' },
    { capabilities: { sampling: {}, roots: { listChanged: true }, elicitation: { form: {}, url: {} } } },
  )
  client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => {
    note('asked for a sample', params)
    return { model: 'm', role: 'assistant', content: { type: 'text', text: 'Because.' } }
  })
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    note('asked', params)
    return { action: 'accept', content: { name: 'this one' } }
  })
  client.setRequestHandler(ListRootsRequestSchema, async () => ({ roots: [{ uri: 'file:///here', name: 'here' }] }))
  // These come on the standing stream, at any time.
  const later: unknown[] = []
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void later.push(['log', params]))
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void later.push(['updated', params]))
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void later.push(['tools changed']))
  client.setNotificationHandler(PromptListChangedNotificationSchema, () => void later.push(['prompts changed']))
  await client.connect(transport)
  try {
    // What comes on the standing stream would be lost before it is open.
    await listening()
    note('server', [client.getServerVersion(), client.getServerCapabilities(), client.getInstructions()])
    note('tools', await client.listTools())
    note('prompts', await client.listPrompts())
    note('resources', await client.listResources())
    note('templates', await client.listResourceTemplates())
    await client.setLoggingLevel('debug')
    for (const name of ['sample', 'elicit', 'roots', 'log', 'fail', 'no such tool'])
      note(name, await client.callTool({ name, arguments: {} }))
    note(
      'progress',
      await client.callTool({ name: 'progress' }, undefined, { onprogress: (one) => note('progress', one) }),
    )
    note('read', await client.readResource({ uri: 'note://one' }))
    note('read', await client.readResource({ uri: 'page://first' }))
    note('no resource', await client.readResource({ uri: 'note://none' }).catch(String))
    note('prompt', await client.getPrompt({ name: 'greet', arguments: { who: 'Ada' } }))
    const completed = { ref: { type: 'ref/prompt' as const, name: 'greet' }, argument: { name: 'who', value: 'A' } }
    note('completed', await client.complete(completed))
    await client.subscribeResource({ uri: 'note://one' })
    note('update', await client.callTool({ name: 'update' }))
    await client.unsubscribeResource({ uri: 'note://one' })
    note('update', await client.callTool({ name: 'update' }))
    note('grow', await client.callTool({ name: 'grow' }))
    note('tools', await client.listTools())
    note('unknown', await client.request({ method: 'x-unknown/method' } as never, z.unknown() as never).catch(String))
    note('ping', await client.ping())
    await waitFor(() => later.length >= 3)
    return [...seen, later.map((one) => JSON.stringify(one)).sort()]
  } finally {
    await client.close()
  }
}

async function waitFor(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 10))
}
