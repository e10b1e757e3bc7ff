import { ResourceTemplate } from '@modelcontextprotocol/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { ToolExtra } from '../../../src/mcp/sdk-v2/index.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { fillIn } from '../../harness/mcp-harness.ts'
import {
  ACCEPTED,
  type HarnessV2,
  KEY,
  type RawAnswer,
  type RawLeg,
  rawLeg,
  startHarnessV2,
} from '../../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const args = { how: 'short' }

let harness: HarnessV2
let asked: RawAnswer
let ran: string[] = []
const leg = async (user: string, one: RawLeg) =>
  rawLeg(`${harness.baseUrl}/mcp`, await harness.identityProvider.issueAccessToken(user, { clientId: 'editor' }), one)
const linkOf = (answer: RawAnswer) => answer.result?.inputRequests?.[KEY]?.params.url
const linesOf = (type: string) => harness.audit.events.filter((event) => event.type === type)
const PROMPT: RawLeg = { method: 'prompts/get', tool: 'twin', args }
/** Declining with the prompt's state: where the state opens, the link is withdrawn. */
const declined = () => ({ requestState: asked.result?.requestState, inputResponses: { [KEY]: { action: 'decline' } } })
const accepted = () => ({ requestState: asked.result?.requestState, inputResponses: ACCEPTED })

beforeAll(async () => {
  harness = await startHarnessV2({
    tools(server, gate, { jira }) {
      const length = (extra: Parameters<typeof jira.getCredentials>[0]) =>
        jira.getCredentials(extra).use(async ({ pat }) => String(pat.length))
      const schema = z.object({ how: z.string() })
      server.registerTool(
        'twin',
        { inputSchema: schema },
        gate(jira, async (_, extra) => {
          ran.push('tool')
          return { content: [{ type: 'text', text: await length(extra) }] }
        }),
      )
      const prompt = gate.prompt(jira, async (_: { how: string }, extra: ToolExtra) => {
        ran.push('prompt')
        return { messages: [{ role: 'user' as const, content: { type: 'text' as const, text: await length(extra) } }] }
      })
      server.registerPrompt('twin', { argsSchema: schema }, prompt)
      server.registerPrompt('other', { argsSchema: schema }, prompt)
      server.registerResource(
        'notes',
        new ResourceTemplate('notes://{how}', { list: undefined }),
        {},
        gate.resource(jira, async (uri, _, extra) => {
          ran.push('resource')
          return { contents: [{ uri: uri.href, text: await length(extra) }] }
        }),
      )
    },
  })
  asked = await leg('alice', PROMPT)
})
afterAll(() => harness.close())

test('the prompt itself finds its state: it would wait, and a decline would end the link', async () => {
  expect(linkOf(asked)).toMatch(/\/credentials\/jira\/entry/)
  const again = await leg('alice', { ...PROMPT, requestState: asked.result?.requestState })
  expect(linkOf(again)).toBe(linkOf(asked))
  expect(linesOf('credential.requested')).toHaveLength(1)
})

test.each<[string, RawLeg]>([
  ['a tool of the same name and arguments', { tool: 'twin', args }],
  ['another prompt', { method: 'prompts/get', tool: 'other', args }],
  ['the same prompt with other arguments', { method: 'prompts/get', tool: 'twin', args: { how: 'long' } }],
  ['a resource', { method: 'resources/read', tool: 'notes://short' }],
])('%s is asked anew with it, waits for nothing and ends nothing', async (_, other) => {
  const before = linesOf('credential.requested').length
  for (const state of [accepted(), declined()]) {
    const answer = await leg('alice', { ...other, ...state })
    // One link for the owner, client and provider, in a collection of its own.
    expect(linkOf(answer)).toBe(linkOf(asked))
  }
  expect(linesOf('credential.requested')).toHaveLength(before + 2)
  expect(linkOf(await leg('alice', { ...PROMPT, requestState: asked.result?.requestState }))).toBe(linkOf(asked))
})

test("a resource's state is none for another URI", async () => {
  const read = (uri: string): RawLeg => ({ method: 'resources/read', tool: uri })
  const own = await leg('alice', read('notes://short'))
  const before = linesOf('credential.requested').length
  const { requestState } = own.result ?? {}
  await leg('alice', { ...read('notes://short'), requestState })
  expect(linesOf('credential.requested')).toHaveLength(before)
  await leg('alice', { ...read('notes://long'), requestState })
  expect(linesOf('credential.requested')).toHaveLength(before + 1)
})

test("Bob, with the state of Alice's prompt, is asked anew with a link of his own, and ends hers by no decline", async () => {
  for (const state of [accepted(), declined()]) {
    const bob = await leg('bob', { ...PROMPT, ...state })
    expect(linkOf(bob)).toBeDefined()
    expect(linkOf(bob)).not.toBe(linkOf(asked))
  }
  expect(linkOf(await leg('alice', { ...PROMPT, requestState: asked.result?.requestState }))).toBe(linkOf(asked))
})

test('no handler has run so far', () => {
  expect(ran).toEqual([])
})

test("Bob, connected himself, gets his own with it, and joins no line to Alice's", async () => {
  await put(harness.backend, storageKey('jira', harness.owner('bob')), { pat: 'tok-of-bob' })
  const before = harness.audit.events.length
  const { result } = await leg('bob', { ...PROMPT, ...accepted() })
  expect(result?.messages?.[0]?.content.text).toBe(String('tok-of-bob'.length))
  const [requested] = linesOf('credential.requested')
  for (const line of harness.audit.events.slice(before)) expect(line.correlationId).not.toBe(requested?.correlationId)
  ran = []
})

test('a state that is replayed after the save reads the credential anew, and nothing of the first result', async () => {
  await fillIn(linkOf(asked) ?? '', 'alice', { pat: SECRET })
  expect((await leg('alice', { ...PROMPT, ...accepted() })).result?.messages?.[0]?.content.text).toBe('20')
  await harness.forget('alice')
  await harness.jira.invalidateCredentials(harness.owner('alice'))
  const { result } = await leg('alice', { ...PROMPT, ...accepted() })
  expect(result?.messages?.[0]?.content.text ?? '').not.toBe('20')
  expect(ran).toEqual(['prompt'])
})
