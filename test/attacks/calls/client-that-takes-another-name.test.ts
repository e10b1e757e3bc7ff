import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpBrowser } from '../../../examples/tickets/http-browser.ts'
import { knownClientQuirks } from '../../../src/mcp/sdk-v1/index.ts'
import { type Harness, linkIn, openForm, startHarness } from '../../harness/mcp-harness.ts'
import { type HarnessV2, startHarnessV2 } from '../../harness/sdk-v2.ts'

const LIE = { name: 'claude-code', version: '2.1.275' }
const gate = { clientQuirks: Object.values(knownClientQuirks) }

let first: Harness
let second: HarnessV2
beforeAll(async () => {
  first = await startHarness({ gate })
  second = await startHarnessV2({ gate })
})
afterAll(async () => {
  await first.close()
  await second.close()
})

const linkOf = (error: unknown) => linkIn(error instanceof Error ? error.message : '')

test('a client that takes the name of Claude Code gains the link that it could have as text, and no more', async () => {
  const honest = await first.connect('alice', { capabilities: {} })
  const liar = await first.connect('alice', { info: LIE, capabilities: { elicitation: {} } })
  const asked: unknown[] = []
  liar.client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params)
    return { action: 'accept' }
  })
  const link = linkOf(await liar.call().catch((error: unknown) => error))
  expect(link).not.toBe('')
  expect(linkIn((await honest.text()).text)).toBe(link)
  expect(asked).toEqual([])
})

test("the link is worth nothing to the liar's own user where it was made for another one", async () => {
  const liar = await first.connect('alice', { info: LIE, capabilities: {} })
  const link = linkOf(await liar.call().catch((error: unknown) => error))
  const page = await openForm(httpBrowser(), link, 'bob')
  expect(page.status).toBe(403)
})

test('over MCP 2026-07-28 the name in the envelope changes nothing', async () => {
  const liar = await second.connectV2('alice', { info: LIE, options: { capabilities: { elicitation: {} } } })
  expect(await liar.text()).toMatchObject({ isError: true, text: expect.stringContaining('ask me again') })
})

test('on an open session, a later claim in a request changes nothing', async () => {
  const honest = await second.connectV2('alice', { era: 'legacy' })
  const _meta = { 'io.modelcontextprotocol/clientInfo': LIE }
  expect(await honest.client.callTool({ name: 'read_secret', arguments: {}, _meta })).toMatchObject({ isError: true })
})

test.each(['constructor', '__proto__', 'CLAUDE-CODE', 'claude-code ', `claude-code${'x'.repeat(10_000)}`])(
  'the name %j has no quirk',
  async (name) => {
    const other = await first.connect('alice', { info: { ...LIE, name }, capabilities: {} })
    expect(await other.text()).toMatchObject({ isError: true })
  },
)

test('a version of endless numbers costs nothing and has no quirk of its own', async () => {
  const version = '9.'.repeat(50_000)
  const other = await first.connect('alice', { info: { ...LIE, version }, capabilities: {} })
  expect(await other.call().catch((error: unknown) => error)).toMatchObject({ code: -32_042 })
})
