import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { credentialGate, knownClientQuirks } from '../../src/mcp/sdk-v1/index.ts'
import { kindsV1, kindsV2, READS } from '../harness/gated-kinds.ts'
import { fillIn, type Harness, linkIn, startHarness } from '../harness/mcp-harness.ts'
import { type HarnessV2, startHarnessV2 } from '../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const QUIRKS = { clientQuirks: Object.values(knownClientQuirks) }
/** As Claude Code 2.1.275 introduces itself (anthropics/claude-code, issue 96043). */
const CLAUDE_CODE = { name: 'claude-code', version: '2.1.275' }
const DECLARED = { elicitation: {} }

let first: Harness
let plain: Harness
let second: HarnessV2
beforeAll(async () => {
  first = await startHarness({ gate: QUIRKS, tools: kindsV1() })
  plain = await startHarness({ tools: kindsV1() })
  second = await startHarnessV2({ gate: QUIRKS, tools: kindsV2() })
})
afterAll(async () => {
  for (const harness of [first, plain, second]) await harness.close()
})

type Info = typeof CLAUDE_CODE
const connectFirst = (info: Info) => first.connect('alice', { info, capabilities: DECLARED })
const connectSecond = (era: 'legacy' | 'modern', info = CLAUDE_CODE) =>
  second.connectV2('alice', { era, info, options: { capabilities: DECLARED } })

/** The link of error -32042, as a client that handles it reads it. */
async function linkOfError(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ code: -32_042, data: { elicitations: [{ mode: 'url' }] } })
  const { elicitations } = (error as UrlElicitationRequiredError).data as { elicitations: { url: string }[] }
  return elicitations[0]?.url ?? ''
}

test('SDK 1.x: Claude Code gets error -32042 for each kind, always with the same link, and no notification', async () => {
  const { client, call, completed } = await connectFirst(CLAUDE_CODE)
  const links = [await linkOfError(call('note'))]
  for (const read of Object.values(READS)) links.push(await linkOfError(read(client)))
  expect(new Set(links).size).toBe(1)
  await fillIn(links[0] ?? '', 'alice', { pat: SECRET })
  expect(await READS['prompt']?.(client)).toContain(`${SECRET.length} characters`)
  expect(completed).toEqual([])
  await first.forget('alice')
})

test('its message has the words and the link, for a client that shows no more than that', async () => {
  const { call } = await connectFirst(CLAUDE_CODE)
  const error = await call('note').catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UrlElicitationRequiredError)
  expect(linkIn((error as Error).message)).toBe(await linkOfError(Promise.reject(error)))
})

test('SDK 2.x: the same over MCP 2025-11-25; a text over MCP 2026-07-28, which has no such error', async () => {
  const legacy = await connectSecond('legacy')
  await linkOfError(legacy.client.callTool({ name: 'note', arguments: {} }))
  const modern = await connectSecond('modern')
  expect(await modern.text('note')).toMatchObject({
    isError: true,
    text: expect.stringContaining('/credentials/jira/'),
  })
})

test('without the option, Claude Code is given a text', async () => {
  const { text } = await plain.connect('alice', { info: CLAUDE_CODE, capabilities: DECLARED })
  expect(await text('note')).toMatchObject({ isError: true, text: expect.stringContaining('/credentials/jira/') })
})

test.each([
  ['an older version', { ...CLAUDE_CODE, version: '2.1.107' }, false],
  ['the first version', { ...CLAUDE_CODE, version: '2.1.108' }, true],
  ['a version with a suffix', { ...CLAUDE_CODE, version: '2.2.0-beta.1' }, true],
  ['a longer version', { ...CLAUDE_CODE, version: '2.1.108.1' }, true],
  ['no version', { ...CLAUDE_CODE, version: 'unknown' }, false],
  ['another name', { ...CLAUDE_CODE, name: 'Claude Code' }, false],
])('%s', async (_, info, hasQuirk) => {
  const answer = await (await connectFirst(info)).call('note').catch((error: unknown) => error)
  expect(answer).toMatchObject(hasQuirk ? { code: -32_042 } : { isError: true })
})

test.each([
  ['a revision without the error', { era: '2026-07-28' }, 'clientQuirks[0].era'],
  ['a range as version', { from: '>=2' }, 'clientQuirks[0].from: must be a version'],
  ['no evidence', { evidence: 'a colleague' }, 'clientQuirks[0].evidence'],
  ['a mistyped member', { versions: '2' }, 'clientQuirks[0].versions: there is no such option'],
])('an operator who writes %s is told which option is wrong', (_, change, message) => {
  const server = new McpServer({ name: 'test', version: '1.0.0' })
  const clientQuirks = [{ ...knownClientQuirks.claudeCode, ...change }] as never
  expect(() => credentialGate(server, { clientQuirks })).toThrow(message)
})
