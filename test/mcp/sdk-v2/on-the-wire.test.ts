import { completable } from '@modelcontextprotocol/server'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { fillIn, linkIn } from '../../harness/mcp-harness.ts'
import { type HarnessV2, KEY, MODERN, rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

/** What MCP 2026-07-28 asks of messages, seen as they are sent. */

const SECRET = 'tok-3f9d2c71e8b04a56'

let harness: HarnessV2
beforeAll(async () => {
  harness = await startHarnessV2({
    serverOptions: { capabilities: { logging: {} } },
    tools(server, gate, { jira }) {
      server.registerTool(
        'logs',
        {},
        gate(jira, async ({ mcpReq }) => {
          await mcpReq.log('debug', 'a detail')
          await mcpReq.log('warning', 'a warning')
          return { content: [{ type: 'text', text: 'logged' }] }
        }),
      )
      const name = completable(
        z.string(),
        gate.completion(jira, async (value) => [`${value}${typeof value}`]),
      )
      server.registerPrompt('greeting', { argsSchema: z.object({ name }) }, () => ({ messages: [] }))
      server.registerTool(
        'counts',
        {},
        gate(jira, async ({ mcpReq }) => {
          const progressToken = mcpReq._meta?.progressToken ?? 'none'
          for (const progress of [1, 2, 3])
            await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress } })
          return { content: [{ type: 'text', text: 'counted' }] }
        }),
      )
      server.registerPrompt('hello', {}, () => ({ messages: [] }))
      server.registerResource('text', 'test://text', {}, () => ({ contents: [{ uri: 'test://text', text: 'text' }] }))
      server.registerTool('broken', {}, () => {
        throw new Error('broken')
      })
    },
  })
})
afterEach(() => harness.forget('alice'))
afterAll(() => harness.close())

const url = () => `${harness.baseUrl}/mcp`
const token = () => harness.identityProvider.issueAccessToken('alice')
const URL_MODE = { elicitation: { url: {} } }

interface Sent {
  readonly id?: unknown
  readonly params?: Record<string, unknown>
  readonly capabilities?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly progressToken?: string | number
  readonly logLevel?: string
}

interface Received {
  readonly status: number
  readonly type: string | null
  readonly text: string
  readonly body: {
    readonly jsonrpc?: string
    readonly id?: unknown
    readonly result?: Record<string, unknown>
    readonly error?: { readonly code: number; readonly message: unknown }
  }
}

/** One request by hand. Without an id it is a notification. */
async function send(
  method: string,
  { id, params, capabilities = URL_MODE, headers = {}, progressToken, logLevel }: Sent = {},
): Promise<Received> {
  const response = await fetch(url(), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await token()}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': MODERN,
      'mcp-method': method,
      ...(typeof params?.['name'] === 'string' && { 'mcp-name': params['name'] }),
      ...(typeof params?.['uri'] === 'string' && { 'mcp-name': params['uri'] }),
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      ...(id === undefined ? {} : { id }),
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': MODERN,
          'io.modelcontextprotocol/clientCapabilities': capabilities,
          ...(progressToken === undefined ? {} : { progressToken }),
          ...(logLevel === undefined ? {} : { 'io.modelcontextprotocol/logLevel': logLevel }),
        },
      },
    }),
  })
  const text = await response.text()
  const data = text.startsWith('{') ? text : (/^data: (.*"(?:result|error)".*)$/m.exec(text)?.[1] ?? '{}')
  return { status: response.status, type: response.headers.get('content-type'), text, body: JSON.parse(data) }
}

const wordsIn = ({ body }: Received) => String((body.result as { content?: { text?: string }[] }).content?.[0]?.text)
const questionIn = ({ result }: Received['body']) =>
  (result as { inputRequests?: Record<string, { params: { url: string } }> }).inputRequests?.[KEY]?.params

const call = (name: string, sent: Sent = {}) =>
  send('tools/call', { id: 1, ...sent, params: { name, arguments: {}, ...sent.params } })

describe('the question', () => {
  test('has URL mode, a message and a valid URL, which says nothing about the user, and nothing of MCP 2025-11-25', async () => {
    const { body } = await call('read_secret')
    expect(body.result).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) })
    expect(body.result?.['inputRequests']).toEqual({
      [KEY]: {
        method: 'elicitation/create',
        params: { mode: 'url', message: expect.stringMatching(/Jira/), url: expect.any(String) },
      },
    })
    const asked = questionIn(body)?.url ?? ''
    const { origin, pathname, searchParams } = new URL(asked)
    expect([origin, pathname]).toEqual([harness.baseUrl, '/credentials/jira/entry'])
    expect([...searchParams.keys()]).toEqual(['t'])
    expect(searchParams.get('t')).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(asked).not.toMatch(/alice/)
    // What the link's value is, only the server can say.
    expect(Buffer.from(searchParams.get('t') ?? '', 'base64url').toString('latin1')).not.toMatch(/alice|jira|http/)
  })

  test.each([
    ['no elicitation', {}],
    ['elicitation without a mode, which means forms', { elicitation: {} }],
    ['forms alone', { elicitation: { form: {} } }],
  ])('is not put to a client that declares %s', async (_, capabilities) => {
    const { body } = await call('read_secret', { capabilities })
    expect(body.result).toMatchObject({ resultType: 'complete', isError: true })
    expect(JSON.stringify(body)).not.toContain('elicitation/create')
  })

  test('goes by the capabilities of its own request, not by those of an earlier one on the connection', async () => {
    expect((await call('read_secret')).body.result?.['resultType']).toBe('input_required')
    expect((await call('read_secret', { capabilities: {} })).body.result?.['resultType']).toBe('complete')
    expect((await call('read_secret')).body.result?.['resultType']).toBe('input_required')
  })

  test('leaves nothing behind that waits: a client that never comes back keeps its user from nothing', async () => {
    const first = await call('read_secret')
    const second = await call('read_secret')
    expect(second.body.result?.['inputRequests']).toEqual(first.body.result?.['inputRequests'])
    const words = await call('read_secret', { capabilities: {} })
    await fillIn(linkIn(wordsIn(words)), 'alice', { pat: SECRET })
    expect(wordsIn(await call('read_secret'))).toBe(`a secret of ${SECRET.length} characters`)
  })
})

test('an answer is one JSON object with the id of its request, a string or a number, and each result names its type', async () => {
  await fillIn(linkIn(wordsIn(await call('read_secret', { capabilities: {} }))), 'alice', { pat: SECRET })
  for (const [id, answer] of [
    [7, await call('read_secret', { id: 7 })],
    ['seven', await call('open', { id: 'seven' })],
    ['broken', await call('broken', { id: 'broken' })],
    [0, await send('tools/list', { id: 0 })],
    ['d', await send('server/discover', { id: 'd' })],
  ] as const) {
    expect(answer).toMatchObject({ status: 200, type: expect.stringContaining('application/json') })
    expect(answer.body).toMatchObject({ jsonrpc: '2.0', id, result: { resultType: 'complete' } })
  }
})

test('an error has the id of its request and a code of this revision: none that is reserved, none of an earlier one', async () => {
  const answers = [
    await send('no/such', { id: 'e' }),
    await call('no_such_tool', { id: 'e' }),
    await send('prompts/get', { id: 'e', params: { name: 'no such' } }),
    await send('resources/read', { id: 'e', params: { uri: 'test://no-such' } }),
    await send('tools/call', { id: 'e', params: { name: 3 } }),
    await call('strict', { id: 'e', capabilities: {} }),
    await call('open', { id: 'e', headers: { 'mcp-name': 'another' } }),
    await call('open', { id: 'e', headers: { 'mcp-protocol-version': '1900-01-01' } }),
  ]
  const DEFINED = [-32_020, -32_021, -32_022]
  for (const { body } of answers) {
    expect(body).toMatchObject({ jsonrpc: '2.0', id: 'e', error: { message: expect.any(String) } })
    const code = body.error?.code ?? 0
    expect(Number.isInteger(code)).toBe(true)
    expect(code, 'an error of MCP 2025-11-25').not.toBe(-32_042)
    expect(code, 'an error of MCP 2025-11-25').not.toBe(-32_002)
    if (code <= -32_020 && code >= -32_099) expect(DEFINED).toContain(code)
  }
})

test('no way of asking answers with error -32042', async () => {
  for (const tool of ['read_secret', 'fail_fast', 'strict', 'other_tool'])
    for (const capabilities of [URL_MODE, {}, { elicitation: {} }]) {
      const { status, error } = await rawLeg(url(), await token(), { tool, capabilities })
      expect([status, error?.code]).toEqual(
        tool === 'strict' && capabilities !== URL_MODE ? [400, -32_021] : [200, undefined],
      )
    }
})

test('progress increases with each notification, has the token of its own call, and ends with the answer', async () => {
  await fillIn(linkIn(wordsIn(await call('read_secret', { capabilities: {} }))), 'alice', { pat: SECRET })
  for (const progressToken of ['first', 2]) {
    const { text } = await call('counts', { progressToken })
    const messages = [...text.matchAll(/^data: (.+)$/gm)].map(([, data = '']) => JSON.parse(data))
    expect(messages.at(-1)).toMatchObject({ id: 1, result: { content: [{ text: 'counted' }] } })
    const progress = messages.slice(0, -1).map(({ params }) => params)
    expect(progress.map((one) => one.progressToken)).toEqual([progressToken, progressToken, progressToken])
    const values: number[] = progress.map((one) => one.progress)
    expect(values.every((value, at) => at === 0 || value > (values[at - 1] ?? 0))).toBe(true)
  }
})

test('a notification is accepted with 202 and no body', async () => {
  const { status, text } = await send('notifications/cancelled', { params: { requestId: 1 } })
  expect([status, text]).toEqual([202, ''])
})

test("a tool's name that comes encoded is decoded, compared with the body and written down", async () => {
  const encoded = (name: string) => ({ 'mcp-name': `=?base64?${Buffer.from(name).toString('base64')}?=` })
  const before = harness.audit.events.length
  expect((await call('other_tool', { headers: encoded('other_tool') })).body.result).toMatchObject({
    resultType: 'input_required',
  })
  const requested = harness.audit.events.slice(before).find(({ type }) => type === 'credential.requested')
  expect(requested).toMatchObject({ tool: 'other_tool' })
  const other = await call('other_tool', { headers: encoded('read_secret') })
  expect([other.status, other.body.error?.code]).toEqual([400, -32_020])
})

test('a server declares what its tools, prompts, completions and log messages need', async () => {
  const { body } = await send('server/discover', { id: 1 })
  expect(body.result).toMatchObject({
    resultType: 'complete',
    capabilities: { tools: {}, prompts: {}, resources: {}, completions: {}, logging: {} },
  })
})

test('log messages come at the level that a request asks for, on its own stream before its result, and else not at all', async () => {
  await fillIn(linkIn(wordsIn(await call('read_secret', { capabilities: {} }))), 'alice', { pat: SECRET })
  const logged = async (sent: Sent) => {
    const { text } = await call('logs', sent)
    const messages = text.startsWith('{')
      ? [JSON.parse(text)]
      : [...text.matchAll(/^data: (.+)$/gm)].map(([, data = '']) => JSON.parse(data))
    expect(messages.at(-1)).toMatchObject({ id: 1, result: { content: [{ text: 'logged' }] } })
    return messages.slice(0, -1).map(({ method, params }) => [method, params.level, params.data])
  }
  expect(await logged({})).toEqual([])
  expect(await logged({ logLevel: 'warning' })).toEqual([['notifications/message', 'warning', 'a warning']])
  expect(await logged({ logLevel: 'debug' })).toHaveLength(2)
})

test('a completion of what is no text, or of a prompt that there is not, is an error and reaches no completer', async () => {
  const complete = (argument: object, name = 'greeting') =>
    send('completion/complete', { id: 1, params: { ref: { type: 'ref/prompt', name }, argument } })
  await fillIn(linkIn(wordsIn(await call('read_secret', { capabilities: {} }))), 'alice', { pat: SECRET })
  expect((await complete({ name: 'name', value: 'x' })).body.result).toMatchObject({
    completion: { values: ['xstring'] },
  })
  const odd = await complete({ name: 'name', value: 1 })
  expect(odd.body.error?.code).toBeLessThan(0)
  expect(odd.text).not.toContain('1number')
  expect((await complete({ name: 'name', value: 'x' }, 'missing')).body.error?.code).toBe(-32_602)
})
