import { request } from 'node:http'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { expect, test } from 'vitest'
import { linkIn, startHarness } from '../../harness/mcp-harness.ts'

test('a client with a name of megabytes is served, and its name is cut', async () => {
  const harness = await startHarness()
  const client = new Client({ name: `\u0007${'N'.repeat(3_000_000)}`, version: '1' })
  try {
    const headers = { authorization: `Bearer ${await harness.identityProvider.issueAccessToken('alice')}` }
    const transport = new StreamableHTTPClientTransport(new URL(`${harness.baseUrl}/mcp`), { requestInit: { headers } })
    await client.connect(transport as Parameters<Client['connect']>[0])
    const links = new Set<string>()
    for (let call = 0; call < 3; call += 1) {
      const answer = await client.callTool({ name: 'read_secret', arguments: {} })
      links.add(linkIn(JSON.stringify(answer).replace(/["\\].*?$/, '')))
    }
    expect(links.size).toBe(1)
  } finally {
    await client.close()
    await harness.close()
  }
})

test('connections that are dropped before they are answered leave no session behind', async () => {
  const harness = await startHarness({ mount: { maxSessionsPerOwner: 2, sessionIdleSeconds: 600 } })
  try {
    const first = await harness.connect('alice')
    const authorization = `Bearer ${await harness.identityProvider.issueAccessToken('alice')}`
    const sessionId = first.client.transport?.sessionId ?? ''
    for (let drop = 0; drop < 5; drop += 1) {
      await new Promise<void>((resolve) => {
        const headers = { authorization, 'mcp-session-id': sessionId, accept: 'text/event-stream' }
        const dropped = request(`${harness.baseUrl}/mcp`, { headers })
          .on('error', () => undefined)
          .on('close', resolve)
        dropped.end()
        setTimeout(() => dropped.destroy(), drop)
      })
    }
    expect(await first.text('open')).toMatchObject({ isError: false })
    await harness.connect('alice')
    await expect(harness.connect('alice')).rejects.toThrow(/no room/)
    await expect(harness.connect('bob')).resolves.toBeDefined()
  } finally {
    await harness.close()
  }
})
