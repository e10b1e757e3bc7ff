import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProxy } from '../../../src/server/proxy/create-proxy.ts'
import { type ProxyHarness, startProxyHarness, TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { CALL, openRawClient } from '../../harness/proxy/raw-client.ts'

let proxy: ProxyHarness

beforeAll(async () => {
  proxy = await startProxyHarness({
    config: { headers: { Authorization: 'Bearer {pat}', 'X-Tenant': 'acme' } },
  })
  await (await proxy.connectAndFill('alice')).text('who_am_i')
})
afterAll(() => proxy.close())

test('nothing of the caller reaches the upstream but the message: no token, cookie, address or slot of theirs', async () => {
  const own = await proxy.harness.identityProvider.issueAccessToken('alice')
  const headers = {
    cookie: 'session=stolen',
    'x-tenant': 'evil',
    'x-forwarded-for': '203.0.113.9',
    forwarded: 'for=203.0.113.9',
    'proxy-authorization': 'Basic eDp5',
    'x-forwarded-host': 'evil.example',
    'private-token': 'evil',
    'mcp-session-id-extra': 'evil',
  }
  const raw = await openRawClient(proxy.url, own, {}, headers)
  const before = proxy.upstream.received.length
  await raw.send({ body: CALL })
  const requests = proxy.upstream.received.slice(before)
  expect(requests.length).toBeGreaterThan(0)
  for (const { headers: received } of requests) {
    expect(received.authorization).toBe(`Bearer ${TOKENS.alice}`)
    expect(received['x-tenant']).toBe('acme')
    expect(JSON.stringify(received)).not.toMatch(/evil|203\.0\.113|stolen|eDp5/)
    expect(JSON.stringify(received)).not.toContain(own)
    expect(received['mcp-session-id']).not.toBe(raw.sessionId)
  }
})

test.each([
  ...['Host', 'connection', 'Content-Length', 'Transfer-Encoding', 'Cookie', 'Mcp-Session-Id', 'MCP-Protocol-Version'],
  ...[
    'Forwarded',
    'X-Forwarded-For',
    'Proxy-Authorization',
    'TE',
    'Upgrade',
    'Content-Type',
    'Accept',
    'Last-Event-ID',
  ],
])('the reserved header %s is refused as a slot', (name) => {
  expect(() => configured({ [name]: '{pat}' })).toThrow(`createProxy.upstreams.gitlab.headers.${name}`)
})

test.each<[string, object, string]>([
  ['a field that nobody enters', { Authorization: 'Bearer {token}' }, 'names the field token'],
  ['half of a pair', { 'X-Url': '{url}', 'X-Token': '{pat}' }, 'has to be required'],
  ['two spellings of a header', { 'X-Token': '{pat}', 'x-token': 'mine' }, 'names a header twice'],
  ['no field at all', { Authorization: 'Bearer of-everybody' }, 'needs a header with a field'],
  ['a line break', { Authorization: 'Bearer {pat}\r\nHost: evil' }, 'no header can carry'],
  ['an open brace', { Authorization: 'Bearer {pat' }, 'names no field'],
])('%s is refused when the proxy starts', (_, headers, problem) => {
  expect(() => configured(headers)).toThrow(problem)
})

function configured(headers: object): void {
  createProxy(proxy.harness.vault, {
    upstreams: {
      gitlab: {
        url: proxy.upstream.url,
        credential: {
          variables: {
            pat: { label: 'Token', type: 'password' },
            url: { label: 'Address', type: 'url', required: false },
          },
        },
        headers: headers as Record<string, string>,
      },
    },
  })
}
