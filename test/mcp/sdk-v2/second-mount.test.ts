import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/server'
import Koa from 'koa'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { mcpMount } from '../../../src/mcp/sdk-v2/index.ts'
import { startTokenProxy } from '../../conformance/token-proxy.ts'
import { connectClientV2, type HarnessV2, rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

let harness: HarnessV2
let token: string
beforeAll(async () => {
  harness = await startHarnessV2()
  token = await harness.identityProvider.issueAccessToken('alice')
})
afterAll(() => harness.close())

/** The same vault's mount on a port of its own. */
async function secondPort(path?: string): Promise<string> {
  const mount = mcpMount(
    harness.vault,
    (options) => {
      const server = new McpServer({ name: 'second', version: '1.0.0' }, options)
      server.registerTool('open', {}, () => ({ content: [{ type: 'text', text: 'second' }] }))
      return server
    },
    path === undefined ? {} : { path },
  )
  const server = createServer(new Koa().use(mount).callback())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://localhost:${(server.address() as AddressInfo).port}`
}

test('a mount on another port answers 421, since its address is not that of the vault', async () => {
  expect((await rawLeg(`${await secondPort()}/mcp`, token, { tool: 'open' })).status).toBe(421)
})

test('behind a proxy that sends the host of the vault, it serves', async () => {
  const target = new URL(`${await secondPort('/second')}/second`)
  const proxy = await startTokenProxy(target, token, new URL(harness.baseUrl).host)
  onTestFinished(() => proxy.close())
  const alice = await connectClientV2(proxy.url, 'replaced by the proxy', {})
  onTestFinished(() => alice.client.close())
  expect(await alice.text('open')).toEqual({ text: 'second', isError: false })
})
