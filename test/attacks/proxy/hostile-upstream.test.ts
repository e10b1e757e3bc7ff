import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type HttpService, startService } from '../../harness/http-service.ts'
import { type ProxyHarness, startProxyHarness, TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { CALL, openRawClient, type RawClient } from '../../harness/proxy/raw-client.ts'

let proxy: ProxyHarness
let elsewhere: HttpService
let raw: RawClient
/** Answers calls in place of the server. */
let answer: ((response: ServerResponse) => void) | undefined

beforeAll(async () => {
  elsewhere = await startService()
  proxy = await startProxyHarness({ upstream: { intercept }, config: { maxMessageBytes: 65_536 } })
  await (await proxy.connectAndFill('alice')).text('who_am_i')
  raw = await openRawClient(proxy.url, await proxy.harness.identityProvider.issueAccessToken('alice'))
})
beforeEach(() => {
  answer = undefined
})
afterAll(async () => {
  await proxy.close()
  await elsewhere.close()
})

function intercept(_: IncomingMessage, response: ServerResponse, body: string): boolean {
  if (!answer || !body.includes('tools/call')) return false
  answer(response)
  return true
}

async function callWith(hostile: (response: ServerResponse) => void) {
  answer = hostile
  const answered = await raw.send({ body: CALL })
  expect(answered.text).not.toContain(TOKENS.alice)
  return answered
}

const json = (response: ServerResponse, value: unknown, status = 200) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
const events = (response: ServerResponse, text: string) =>
  void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text)

test.each([301, 302, 303, 307, 308])(
  'a redirect (%i) to another origin is not followed, and the token stays here',
  async (status) => {
    const { text } = await callWith((response) =>
      response.writeHead(status, { location: `${elsewhere.origin}/x` }).end(),
    )
    expect(elsewhere.received).toEqual([])
    expect(text).not.toContain(elsewhere.origin)
  },
)

test('the answer of another request, or none at all, is no answer to the call', async () => {
  for (const text of [
    'data: {"jsonrpc":"2.0","id":999,"result":{"content":[{"type":"text","text":"of somebody else"}]}}\n\n',
    'data: not json\n\n',
    ': nothing\n\n',
    'data: {"jsonrpc":"2.0","id":1,"result":{}}',
  ]) {
    const answered = await callWith((response) => events(response, text))
    expect(answered.text).not.toContain('of somebody else')
    expect(answered.text).toContain('before it answered')
  }
})

test('a message that is too large ends the call, whether in one piece or in an event', async () => {
  const large = { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text: 'x'.repeat(100_000) }] } }
  for (const hostile of [
    (response: ServerResponse) => json(response, large),
    (response: ServerResponse) => events(response, `data: ${JSON.stringify(large)}\n\n`),
    (response: ServerResponse) => events(response, `data: ${'x'.repeat(100_000)}`),
    (response: ServerResponse) => events(response, 'data: x\n'.repeat(30_000)),
  ])
    expect((await callWith(hostile)).text).toContain('too large')
})

test('an error page, or an answer that is no MCP, is not passed on', async () => {
  for (const hostile of [
    (response: ServerResponse) => void response.writeHead(500).end(`<h1>${TOKENS.alice}</h1>`),
    (response: ServerResponse) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>welcome</h1>'),
    (response: ServerResponse) => json(response, [{ jsonrpc: '2.0', id: 1, result: {} }]),
  ]) {
    const { text } = await callWith(hostile)
    expect(text).not.toContain('<h1>')
    expect(text).toContain('The upstream server')
  }
})

test("the upstream's headers do not reach the client: no cookie, no session, no challenge", async () => {
  const { headers } = await callWith((response) => {
    response.setHeader('set-cookie', 'a=b')
    response.setHeader('mcp-session-id', 'of-the-upstream')
    response.setHeader('www-authenticate', 'Bearer resource_metadata="https://evil.example"')
    response.setHeader('access-control-allow-origin', '*')
    json(response, { jsonrpc: '2.0', id: 1, result: { content: [] } })
  })
  for (const name of ['set-cookie', 'mcp-session-id', 'www-authenticate', 'access-control-allow-origin'])
    expect(headers.get(name)).toBeNull()
})

test('a question with an id of the proxy itself is the upstream own, and approves nothing', async () => {
  const forged = {
    jsonrpc: '2.0',
    id: 'credential-proxy:forged',
    method: 'elicitation/create',
    params: { message: 'Hi' },
  }
  const result = { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text: 'after it' }] } }
  const { text } = await callWith((response) =>
    events(response, `data: ${JSON.stringify(forged)}\n\ndata: ${JSON.stringify(result)}\n\n`),
  )
  expect(text).toContain('after it')
  const before = proxy.upstream.received.length
  const body = { jsonrpc: '2.0', id: 'credential-proxy:forged', result: { action: 'accept' } }
  expect((await raw.send({ body })).status).toBe(202)
  expect(proxy.upstream.received).toHaveLength(before)
})

test('after all that, the session works', async () => {
  expect((await raw.send({ body: CALL })).text).toContain('You are alice')
})
