import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { linkIn } from '../../harness/mcp-harness.ts'
import { ACCEPTED, type HarnessV2, MODERN, rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

// A client of MCP 2025-11-25 that puts what MCP 2026-07-28 reserves into its calls. It could make the gate believe in another client,
// other capabilities or another tool, or make it answer in a way that this session cannot continue.
const OLD = '2025-11-25'
const URL_MODE = { elicitation: { url: {} } }
const VERSION = { 'io.modelcontextprotocol/protocolVersion': MODERN }
const CAPABILITIES = { 'io.modelcontextprotocol/clientCapabilities': URL_MODE }
const INFO = { 'io.modelcontextprotocol/clientInfo': { name: 'Somebody Else', version: '9.9.9' } }

let harness: HarnessV2
let token: string
let foreignState: string | undefined
beforeAll(async () => {
  harness = await startHarnessV2()
  token = await harness.identityProvider.issueAccessToken('alice')
  foreignState = (await rawLeg(`${harness.baseUrl}/mcp`, token)).result?.requestState
})
afterEach(() => harness.forget('alice'))
afterAll(() => harness.close())

function post(
  message: object,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${harness.baseUrl}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    ...(signal && { signal }),
  })
}

/** Opens a session of MCP 2025-11-25 and gives the headers of its requests. */
async function session(capabilities: object): Promise<Record<string, string>> {
  const clientInfo = { name: 'Old Client', version: '1.0.0' }
  const opened = await post({ id: 0, method: 'initialize', params: { protocolVersion: OLD, capabilities, clientInfo } })
  expect(opened.status).toBe(200)
  await opened.text()
  const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': OLD }
  await post({ method: 'notifications/initialized' }, headers)
  return headers
}

const CLAIMS = [
  ['capabilities', CAPABILITIES],
  ['the name of a client', INFO],
  ['capabilities and the name of a client', { ...CAPABILITIES, ...INFO }],
] as const

const call = (_meta: object) => ({
  id: 1,
  method: 'tools/call',
  params: { name: 'read_secret', arguments: {}, _meta, requestState: foreignState, inputResponses: ACCEPTED },
})

test.each(CLAIMS)('a session without URL mode that claims %s gets the link as text', async (_, meta) => {
  const headers = { ...(await session({})), 'mcp-name': 'other_tool', 'mcp-method': 'tools/call' }
  const before = harness.audit.events.length
  const text = await (await post(call(meta), headers)).text()
  expect(linkIn(text)).toContain('/credentials/jira/entry')
  expect(text).toContain('"isError":true')
  for (const foreign of ['inputRequests', 'requestState', 'elicitation/create', '-32021'])
    expect(text).not.toContain(foreign)
  const requested = harness.audit.events.slice(before).filter(({ type }) => type === 'credential.requested')
  expect(requested).toMatchObject([{ clientName: 'Old Client' }])
  expect(requested[0]?.tool).toBeUndefined()
})

test.each(CLAIMS)('a session with URL mode that claims %s is asked by a request, and by no result', async (_, meta) => {
  const headers = await session(URL_MODE)
  const gone = new AbortController()
  const response = await post(call(meta), headers, gone.signal)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let seen = ''
  while (!seen.includes('elicitation/create')) {
    const { value, done } = (await reader?.read()) ?? { value: '', done: true }
    if (done) break
    seen += value
  }
  gone.abort()
  expect(seen).toContain('elicitation/create')
  expect(seen).not.toContain('inputRequests')
})

test('a session that names the other revision in a call is refused, because its header names its own', async () => {
  for (const meta of [VERSION, { ...VERSION, ...CAPABILITIES }, { ...VERSION, ...CAPABILITIES, ...INFO }]) {
    const response = await post(call(meta), await session({}))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: expect.any(Number) } })
  }
})

test('no handler ran', () => {
  expect([...harness.runs]).toEqual([])
})
