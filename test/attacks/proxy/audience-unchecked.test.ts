import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyHarness } from '../../harness/proxy/proxy-harness.ts'
import { CALL, openRawClient } from '../../harness/proxy/raw-client.ts'

/** A token that Alice's client holds for another service of the same identity provider must not act with her credential here. */
let proxy: ProxyHarness

beforeAll(async () => {
  proxy = await startProxyHarness()
  await (await proxy.connectAndFill('alice')).text('who_am_i')
})
afterAll(() => proxy.close())

test.each([
  ['another service', { audience: 'https://api.example.com' }],
  ['the upstream itself', { audience: 'http://127.0.0.1:1/mcp' }],
  ['nobody', { claims: { aud: undefined } }],
  ['this proxy, but by another issuer', { issuer: 'https://login.example.net' }],
])('a token for %s opens no session and calls nothing', async (_, changes) => {
  const { identityProvider } = proxy.harness
  const { sessionId } = await openRawClient(proxy.url, await identityProvider.issueAccessToken('alice'))
  const foreign = await identityProvider.issueAccessToken('alice', changes)
  const before = proxy.upstream.received.length
  const client = await openRawClient(proxy.url, foreign)
  expect(client.sessionId).toBe('')
  for (const request of [{ body: CALL, sessionId }, { body: CALL }, { method: 'GET', sessionId }])
    expect((await client.send(request)).status).toBe(401)
  expect(proxy.upstream.received).toHaveLength(before)
})
