import { EmptyResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'
import { SECRET } from '../calls/probed-tool.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness({
    tools(server, gate, { jira }) {
      server.registerTool(
        'ask',
        {},
        gate(jira, (extra) =>
          jira.getCredentials(extra).use(async ({ pat }) => {
            // The SDK puts `task` into the request's parameters.
            const options = { task: { ttl: 1, note: pat } }
            await extra.sendRequest({ method: 'ping' }, EmptyResultSchema, options as never).catch(() => undefined)
            return { content: [] }
          }),
        ),
      )
    },
  })
  await put(harness.backend, storageKey('jira', harness.owner('alice')), { pat: SECRET })
})
afterAll(() => harness.close())

test('the options of a request that travel to the client are searched', async () => {
  const { client, call } = await harness.connect('alice')
  const seen: unknown[] = []
  const transport = client.transport
  const inner = transport?.onmessage
  if (transport) {
    transport.onmessage = (message, extra) => {
      seen.push(message)
      inner?.(message, extra)
    }
  }
  await call('ask')
  expect(seen.length).toBeGreaterThan(0)
  expect(JSON.stringify(seen)).not.toContain(SECRET)
})
