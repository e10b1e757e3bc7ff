import { afterAll, beforeAll, expect, test } from 'vitest'
import { ACCEPTED, type HarnessV2, KEY, type RawLeg, rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

let harness: HarnessV2
let token: string
const url = () => `${harness.baseUrl}/mcp`
const call = (leg: RawLeg) => rawLeg(url(), token, leg)
const requested = () => harness.audit.events.filter(({ type }) => type === 'credential.requested').length

beforeAll(async () => {
  harness = await startHarnessV2()
  token = await harness.identityProvider.issueAccessToken('alice')
})
afterAll(() => harness.close())

// A leg that took the state for its own would wait for the form, and this test would end without its answer.
test.each<[string, RawLeg, RawLeg]>([
  ['another tool', { tool: 'read_secret' }, { tool: 'other_tool' }],
  ['other arguments', { tool: 'echo_length', args: { times: 1 } }, { tool: 'echo_length', args: { times: 2 } }],
  ['a tool with arguments', { tool: 'read_secret' }, { tool: 'echo_length', args: { times: 1 } }],
])('a state for %s counts as none: asked anew, and a line of its own', async (_, first, second) => {
  const asked = await call(first)
  const before = requested()
  const { result } = await call({
    ...second,
    requestState: asked.result?.requestState,
    inputResponses: ACCEPTED,
    signal: AbortSignal.timeout(10_000),
  })
  expect(result?.inputRequests?.[KEY]).toBeDefined()
  expect(requested()).toBe(before + 1)
})

test('a decline for another tool withdraws nothing', async () => {
  const asked = await call({ tool: 'read_secret' })
  const declined = { [KEY]: { action: 'decline' } }
  await call({ tool: 'other_tool', requestState: asked.result?.requestState, inputResponses: declined })
  const again = await call({ tool: 'read_secret', requestState: asked.result?.requestState })
  expect(again.result?.inputRequests).toEqual(asked.result?.inputRequests)
})

test('a name that does not match the body is refused, so it cannot stand for another tool', async () => {
  const response = await fetch(url(), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'read_secret',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'other_tool',
        arguments: {},
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'Raw Client', version: '1.0.0' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  })
  expect(response.status).toBe(400)
})

test('no handler ran', () => {
  expect([...harness.runs]).toEqual([])
})
