import type { Client } from '@modelcontextprotocol/client'
import { expect } from 'vitest'
import { listen } from '../../harness/listening-stream.ts'
import { connectRepeating, EVERYTHING } from '../../harness/proxy/repeating-client.ts'
import { rawLeg } from '../../harness/sdk-v2.ts'
import { Transcript } from './transcript.ts'

/** Tools with the arguments that they are called with. */
const CALLS: readonly (readonly [string, Record<string, unknown>])[] = [
  ['elicit', {}],
  ['page', {}],
  ['sample', {}],
  ['roots', {}],
  ['at_once', {}],
  ['twice', { what: 'now' }],
  ['again', {}],
  ['fail', {}],
  ['twice', {}],
  ['no such tool', {}],
]

/** Goes through everything that the server of MCP 2026-07-28 offers, with a client that can do everything. */
export async function walkRepeating(url: string, token: string): Promise<Transcript['result']> {
  const seen = new Transcript()
  const { client, asked } = await connectRepeating(url, token)
  try {
    seen.note('server', [client.getServerVersion(), client.getServerCapabilities(), client.getInstructions()])
    await seen.try('tools', () => client.listTools())
    await seen.try('prompts', () => client.listPrompts())
    await seen.try('resources', () => client.listResources())
    await seen.try('templates', () => client.listResourceTemplates())
    for (const [name, given] of CALLS) await seen.try(name, () => client.callTool({ name, arguments: given }))
    await seen.try('in_headers', () => client.callTool({ name: 'in_headers', arguments: { region: 'Ö 1' } }))
    await promptsAndResources(client, seen)
    await told(client, seen)
    await byHand(url, token, seen)
    await heard(url, token, client, seen)
    seen.note('asked', asked)
    return seen.result
  } finally {
    await client.close()
  }
}

async function promptsAndResources(client: Client, seen: Transcript): Promise<void> {
  await seen.try('prompt', () => client.getPrompt({ name: 'greet', arguments: { who: 'Ada' } }))
  await seen.try('prompt', () => client.getPrompt({ name: 'greet' }))
  await seen.try('prompt', () => client.getPrompt({ name: 'asking' }))
  for (const uri of ['note://one', 'page://first', 'ask://one', 'note://none'])
    await seen.try('read', () => client.readResource({ uri }))
  const prompt = { type: 'ref/prompt' as const, name: 'greet' }
  await seen.try('completed', () => client.complete({ ref: prompt, argument: { name: 'who', value: 'A' } }))
  const template = { type: 'ref/resource' as const, uri: 'page://{name}' }
  await seen.try('completed', () => client.complete({ ref: template, argument: { name: 'name', value: '' } }))
}

async function told(client: Client, seen: Transcript): Promise<void> {
  const steps: unknown[] = []
  const onprogress = (one: unknown) => void steps.push(one)
  await seen.try('progress', () => client.callTool({ name: 'progress' }, { onprogress }))
  seen.note('steps', steps)
}

/** What a client of the SDK does not show: raw answers, errors with their status, and other methods. */
async function byHand(url: string, token: string, seen: Transcript): Promise<void> {
  const leg = (name: string, parts: Parameters<typeof rawLeg>[2]) =>
    seen.try(name, async () => withoutState(await rawLeg(url, token, { tool: name, ...parts })))
  await leg('elicit', { capabilities: { elicitation: {} } })
  await leg('elicit', { capabilities: {} })
  await leg('twice', { args: { what: 'now' }, capabilities: { elicitation: {} } })
  await leg('elicit', { capabilities: { elicitation: {} }, inputResponses: { other: { action: 'accept' } } })
  await leg('twice', { args: { what: 'now' }, requestState: 'altered', capabilities: { elicitation: {} } })
  await leg('x', { method: 'x-unknown/method' as never })
}

function withoutState({ error, ...answer }: Awaited<ReturnType<typeof rawLeg>>): unknown {
  const { requestState, ...result } = answer.result ?? {}
  // The state is sealed by the proxy, and the words of an error about it are its own.
  return { ...answer, result, hasState: requestState !== undefined, code: error?.code }
}

async function heard(url: string, token: string, client: Client, seen: Transcript): Promise<void> {
  const filter = { toolsListChanged: true, resourceSubscriptions: ['note://one'] }
  const stream = await listen(url, token, filter, EVERYTHING)
  await expect.poll(() => stream.messages.length).toBe(1)
  await seen.try('update', () => client.callTool({ name: 'update' }))
  await expect.poll(() => stream.messages.length).toBe(3)
  seen.note('heard', stream.messages)
  stream.close()
}
