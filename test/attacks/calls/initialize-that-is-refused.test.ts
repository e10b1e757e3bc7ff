import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'

/** Servers made for connections, and those of them that were told that their connection is over. */
const servers = { made: 0, closed: 0 }
let harness: Harness

beforeAll(async () => {
  harness = await startHarness({
    mount: { maxSessionsPerOwner: 2 },
    tools: (mcp) => {
      servers.made += 1
      mcp.server.onclose = () => {
        servers.closed += 1
      }
    },
  })
})
afterAll(() => harness.close())

test('a server that was made for a refused initialize is closed, like that of a session', async () => {
  const token = await harness.identityProvider.issueAccessToken('mallory')
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const response = await fetch(`${harness.baseUrl}/mcp`, {
      method: 'POST',
      // The transport refuses it only after the server was made: a client has to accept event streams too.
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params: {} }),
    })
    expect(response.status).toBe(406)
    await response.text()
  }
  await expect.poll(() => servers.made - servers.closed).toBeLessThanOrEqual(2)
})
