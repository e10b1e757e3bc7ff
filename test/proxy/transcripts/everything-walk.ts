import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { expect } from 'vitest'
import { z } from 'zod'
import { Transcript } from './transcript.ts'

const ANYTHING = z.unknown() as never

/** Tools with the arguments that they are called with. */
const CALLS: readonly (readonly [string, Record<string, unknown>])[] = [
  ['echo', { message: 'hello' }],
  ['echo', { message: 7 }],
  ['get-annotated-message', { messageType: 'error', includeImage: true }],
  ['get-env', {}],
  ['get-resource-links', { count: 3 }],
  ['get-resource-reference', { resourceType: 'Text', resourceId: 1 }],
  ['get-structured-content', { location: 'New York' }],
  ['get-sum', { a: 2, b: 3 }],
  ['get-tiny-image', {}],
  ['gzip-file-as-resource', { name: 'a.gz', data: 'data:text/plain;base64,aGVsbG8=', outputType: 'resource' }],
  ['get-roots-list', {}],
  ['trigger-sampling-request', { prompt: 'Why?', maxTokens: 10 }],
  ['trigger-elicitation-request', {}],
  ['trigger-url-elicitation', { url: 'https://example.com/', message: 'Open it.', elicitationId: 'one' }],
  [
    'trigger-url-elicitation',
    { url: 'https://example.com/', message: 'Open it.', elicitationId: 'two', errorPath: true },
  ],
  ['toggle-simulated-logging', {}],
  ['toggle-simulated-logging', {}],
  ['no-such-tool', {}],
]

/**
 * Goes through everything that server-everything offers, with a client that can do everything.
 *
 * @param transport to the server, or to what stands before it
 */
export async function walkEverything(transport: Transport): Promise<Transcript['result']> {
  const seen = new Transcript()
  const client = clientOf(seen)
  await client.connect(transport)
  try {
    seen.note('server', [client.getServerVersion(), client.getServerCapabilities(), client.getInstructions()])
    // The server asks for the roots on the standing stream, which may not be open yet when it does so by itself.
    await expect
      .poll(async () => {
        await client.sendRootsListChanged()
        return seen.heard.some((one) => String(one).includes('Roots updated'))
      })
      .toBe(true)
    await lists(client, seen)
    await seen.try('level', () => client.setLoggingLevel('debug'))
    for (const [name, given] of CALLS) await seen.try(name, () => client.callTool({ name, arguments: given }))
    await promptsAndResources(client, seen)
    await longRunning(client, seen)
    await tasks(client, seen)
    await seen.try('unknown', () => client.request({ method: 'x-unknown/method' } as never, ANYTHING))
    await seen.try('ping', () => client.ping())
    return seen.result
  } finally {
    await client.close()
  }
}

function clientOf(seen: Transcript): Client {
  const client = new Client(
    { name: 'walker', version: '1' },
    { capabilities: { sampling: {}, roots: { listChanged: true }, elicitation: { form: {}, url: {} } } },
  )
  client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => {
    seen.note('asked for a sample', params)
    return { model: 'm', role: 'assistant', content: { type: 'text', text: 'Because.' } }
  })
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    seen.note('asked', params)
    return params.mode === 'url' ? { action: 'accept' } : { action: 'accept', content: { name: 'Ada' } }
  })
  client.setRequestHandler(ListRootsRequestSchema, async () => {
    seen.hear('asked for roots', null)
    return { roots: [{ uri: 'file:///here', name: 'here' }] }
  })
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    // The messages that the server makes up are at random levels.
    const isSimulated = /level[- ]message/i.test(JSON.stringify(params))
    seen.hear('log', isSimulated ? 'a simulated message' : params)
  })
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => seen.hear('updated', params))
  client.setNotificationHandler(ResourceListChangedNotificationSchema, () => seen.hear('resources changed', null))
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => seen.hear('tools changed', null))
  client.setNotificationHandler(PromptListChangedNotificationSchema, () => seen.hear('prompts changed', null))
  return client
}

async function lists(client: Client, seen: Transcript): Promise<void> {
  await seen.try('tools', () => client.listTools())
  await seen.try('prompts', () => client.listPrompts())
  await seen.try('resources', () => client.listResources())
  await seen.try('templates', () => client.listResourceTemplates())
}

async function promptsAndResources(client: Client, seen: Transcript): Promise<void> {
  await seen.try('prompt', () => client.getPrompt({ name: 'simple-prompt' }))
  await seen.try('prompt', () => client.getPrompt({ name: 'args-prompt', arguments: { city: 'Oslo', state: 'x' } }))
  await seen.try('prompt', () => client.getPrompt({ name: 'args-prompt' }))
  const resource = { resourceType: 'Text', resourceId: '1' }
  await seen.try('prompt', () => client.getPrompt({ name: 'resource-prompt', arguments: resource }))
  const team = { type: 'ref/prompt' as const, name: 'completable-prompt' }
  await seen.try('completed', () => client.complete({ ref: team, argument: { name: 'department', value: 'S' } }))
  const context = { arguments: { department: 'Sales' } }
  await seen.try('completed', () => client.complete({ ref: team, argument: { name: 'name', value: '' }, context }))
  const { resources } = await client.listResources()
  await seen.try('read', () => client.readResource({ uri: resources[0]?.uri ?? '' }))
  for (const uri of ['demo://resource/dynamic/text/1', 'demo://resource/dynamic/blob/2', 'demo://none']) {
    await seen.try('read', () => client.readResource({ uri }))
    await seen.try('subscribe', () => client.subscribeResource({ uri }))
  }
  await seen.try('updates', () => client.callTool({ name: 'toggle-subscriber-updates' }))
  await expect.poll(() => seen.heard.some((one) => String(one).includes('"updated"'))).toBe(true)
  await seen.try('no updates', () => client.callTool({ name: 'toggle-subscriber-updates' }))
  await seen.try('unsubscribe', () => client.unsubscribeResource({ uri: 'demo://none' }))
}

async function longRunning(client: Client, seen: Transcript): Promise<void> {
  const name = 'trigger-long-running-operation'
  const steps: unknown[] = []
  await seen.try(name, () =>
    client.callTool({ name, arguments: { duration: 0.3, steps: 3 } }, undefined, {
      onprogress: ({ total }) => void steps.push(total),
    }),
  )
  // The last one may come with the result, and then counts no more.
  seen.note('progress', [...new Set(steps)])
  const given = new AbortController()
  await seen.try('cancelled', () =>
    client.callTool({ name, arguments: { duration: 30, steps: 600 } }, undefined, {
      signal: given.signal,
      onprogress: () => given.abort('enough'),
    }),
  )
}

async function tasks(client: Client, seen: Transcript): Promise<void> {
  const call = {
    name: 'simulate-research-query',
    arguments: { topic: 'bees', ambiguous: false },
    task: { ttl: 60_000 },
  }
  const request = (method: string, params: object) => client.request({ method, params } as never, ANYTHING)
  const { task } = (await request('tools/call', call)) as { task: { taskId: string } }
  seen.note('task', Object.keys(task).sort())
  await seen.try('tasks/list', async () => Object.keys((await request('tasks/list', {})) as object))
  await seen.try('tasks/cancel', async () =>
    Object.keys((await request('tasks/cancel', { taskId: task.taskId })) as object),
  )
  await seen.try('tasks/get', () => request('tasks/get', { taskId: 'none' }))
}
