import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { Middleware } from 'koa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bringPublishedServers } from '../../../scripts/bring-published-servers.mjs'
import type { UpstreamOptions } from '../../../src/proxy/config/upstream-options.ts'
import { createProxy } from '../../../src/server/proxy/index.ts'
import { freePort } from '../../harness/free-port.ts'
import { connectClient, fillIn, type Harness, startHarness } from '../../harness/mcp-harness.ts'
import { everythingTranscript } from '../../harness/proxy/recipes/everything-transcript.ts'
import { type PublishedServer, startPublishedServer } from '../../harness/proxy/recipes/published-server.ts'

let server: PublishedServer
let harness: Harness
let program: string
let url: string

beforeAll(async () => {
  const port = await freePort()
  url = `http://127.0.0.1:${port}/mcp`
  program = `${(await bringPublishedServers()).npm}/mcp-server-everything`
  server = await startPublishedServer(`PORT=${port} ${process.execPath} ${program} streamableHttp`, url)
  const credential = { variables: { pat: { label: 'Token', type: 'password' as const } } }
  const upstreams: Record<string, UpstreamOptions> = {
    http: { url, credential, catalogue: 'user', headers: { Authorization: 'Bearer {pat}' } },
    stdio: {
      command: [process.execPath, program, 'stdio'],
      credential,
      catalogue: 'user',
      env: { TOKEN: '{pat}' },
      startDeadlineSeconds: 60,
    },
  }
  harness = await startHarness({ serve: ({ vault }) => createProxy(vault, { upstreams }) as Middleware })
  for (const name of Object.keys(upstreams)) await connectAlice(name)
})
afterAll(async () => {
  await harness?.close()
  await server?.close()
})

/** Alice enters her token, so that her next session begins at the server itself. */
async function connectAlice(name: string): Promise<void> {
  const token = await harness.identityProvider.issueAccessToken('alice')
  const client = await connectClient(`${harness.baseUrl}/${name}/mcp`, token, {
    onLink: async (link) => {
      await fillIn(link, 'alice', { pat: 'token-of-alice-5f2b9c7d' })
      return 'accept' as const
    },
  })
  await client.client.callTool({ name: 'echo', arguments: { message: 'hello' } })
  await client.client.close()
}

const overHttp = (at: string, headers = {}) =>
  new StreamableHTTPClientTransport(new URL(at), { requestInit: { headers } }) as Transport

async function proxied(name: string): Promise<readonly string[]> {
  const token = await harness.identityProvider.issueAccessToken('alice')
  return everythingTranscript(overHttp(`${harness.baseUrl}/${name}/mcp`, { authorization: `Bearer ${token}` }))
}

const directly = {
  http: () => everythingTranscript(overHttp(url)),
  stdio: () => everythingTranscript(new StdioClientTransport({ command: process.execPath, args: [program, 'stdio'] })),
}

test.each(['http', 'stdio'] as const)(
  'over %s, server-everything is the same through the proxy as directly',
  async (how) => {
    const direct = await directly[how]()
    expect(direct.length).toBeGreaterThan(25)
    // Two direct runs show what differs by itself.
    expect(await directly[how]()).toEqual(direct)
    expect(await proxied(how)).toEqual(direct)
  },
)
