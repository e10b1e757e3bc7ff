import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyHarness } from '../../harness/proxy/proxy-harness.ts'
import { CALL, openRawClient, type RawClient, rpc } from '../../harness/proxy/raw-client.ts'

let proxy: ProxyHarness
let stranger: RawClient

beforeAll(async () => {
  proxy = await startProxyHarness()
  // Somebody else's credential is there.
  await (await proxy.connectAndFill('alice')).text('who_am_i')
  stranger = await openRawClient(proxy.url, await proxy.harness.identityProvider.issueAccessToken('bob'))
})
afterAll(() => proxy.close())

async function leavesUpstreamAlone(body: unknown, headers: Record<string, string> = {}) {
  const before = proxy.upstream.received.length
  const answer = await stranger.send({ body, headers })
  expect(proxy.upstream.received).toHaveLength(before)
  return answer
}

test.each([
  ['tools/call', { name: 'who_am_i', arguments: {} }],
  ['prompts/get', { name: 'x' }],
  ['resources/read', { uri: 'note://one' }],
  ['resources/subscribe', { uri: 'note://one' }],
  ['resources/unsubscribe', { uri: 'note://one' }],
  ['tasks/list', {}],
  ['x-vendor/anything', {}],
  ['TOOLS/LIST', {}],
  ['tools/list ', {}],
])('%s of a user without a credential is answered with the link', async (method, params) => {
  const { text } = await leavesUpstreamAlone(rpc(1, method, params))
  expect(text).toContain('/credentials/gitlab/entry')
})

test.each([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'ping',
  'logging/setLevel',
  'completion/complete',
])('%s asks nobody and goes nowhere', async (method) => {
  const { status, text } = await leavesUpstreamAlone(rpc(2, method))
  expect(status).toBe(200)
  expect(text).not.toContain('/credentials/')
})

test.each<[string, unknown]>([
  ['a batch', [CALL]],
  ['a call as a notification', { jsonrpc: '2.0', method: 'tools/call', params: { name: 'who_am_i' } }],
  ['a call whose id is null', { ...CALL, id: null }],
  ['a call whose id is an object', { ...CALL, id: { id: 1 } }],
  ['a call of another JSON-RPC', { ...CALL, jsonrpc: '1.0' }],
  ['an answer that nobody waits for', { jsonrpc: '2.0', id: 1, result: {} }],
  ['a second initialize', rpc(3, 'initialize', { protocolVersion: '2025-11-25' })],
])('%s does not get past the gate', async (_, body) => {
  const { status, text } = await leavesUpstreamAlone(body)
  expect([202, 400]).toContain(status)
  expect(text).not.toContain('You are')
})

test('headers by which a caller names a user, a session or a method change nothing', async () => {
  const { text } = await leavesUpstreamAlone(CALL, {
    'x-forwarded-user': 'alice',
    'mcp-method': 'tools/list',
    'x-http-method-override': 'GET',
    'last-event-id': '1',
  })
  expect(text).toContain('/credentials/gitlab/entry')
})

test('without a token there is not even a list', async () => {
  const answer = await fetch(proxy.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(rpc(1, 'tools/list')),
  })
  expect(answer.status).toBe(401)
})
