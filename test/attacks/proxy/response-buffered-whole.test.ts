import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventReader } from '../../harness/proxy/event-reader.ts'
import { type ProxyHarness, startProxyHarness } from '../../harness/proxy/proxy-harness.ts'
import { openRawClient, rpc } from '../../harness/proxy/raw-client.ts'

/** A proxy that waits for the end of an answer loses progress, breaks questions, and keeps what it waits for in memory. */
let proxy: ProxyHarness
let token: string
let finish: () => void = () => undefined

beforeAll(async () => {
  proxy = await startProxyHarness({
    upstream: {
      register(server) {
        server.registerTool('steps', {}, async (extra) => {
          const progressToken = extra._meta?.progressToken ?? 0
          await extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
          await new Promise<void>((resolve) => {
            finish = resolve
          })
          return { content: [{ type: 'text', text: 'all steps done' }] }
        })
      },
    },
  })
  await (await proxy.connectAndFill('alice')).text('who_am_i')
  token = await proxy.harness.identityProvider.issueAccessToken('alice')
})
afterAll(() => proxy.close())

test('the first event is there while the server has not ended its answer, and the end only after it has', async () => {
  const { sessionId } = await openRawClient(proxy.url, token)
  const answer = await fetch(proxy.url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': sessionId,
    },
    body: JSON.stringify(rpc(1, 'tools/call', { name: 'steps', arguments: {}, _meta: { progressToken: 'p' } })),
  })
  const reader = eventReader(answer)
  let event = await reader.next()
  while (event !== undefined && !event.includes('notifications/progress')) event = await reader.next()
  expect(event).toContain('notifications/progress')
  // Nothing but this lets the server go on.
  finish()
  expect(await reader.next()).toContain('all steps done')
  expect(await reader.next()).toBeUndefined()
})
