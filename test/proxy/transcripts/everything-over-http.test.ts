import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyBefore } from '../../harness/proxy/proxy-harness.ts'
import { type EverythingServer, startEverythingServer } from './everything-server.ts'
import { walkEverything } from './everything-walk.ts'

let proxy: ProxyHarness<EverythingServer>

beforeAll(async () => {
  proxy = await startProxyBefore(startEverythingServer)
  await (await proxy.connectAndFill('alice')).text('get-tiny-image')
})
afterAll(() => proxy.close())

function walk(url: string, token: string) {
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  return walkEverything(transport as Transport)
}

test('everything of server-everything gives the same results through the proxy as directly', async () => {
  const direct = await walk(proxy.upstream.url, 'not looked at')
  expect(await walk(proxy.upstream.url, 'not looked at')).toEqual(direct)
  const token = await proxy.harness.identityProvider.issueAccessToken('alice')
  expect(await walk(proxy.url, token)).toEqual(direct)
})
