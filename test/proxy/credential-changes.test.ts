import { randomUUID } from 'node:crypto'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { fillIn, linkIn } from '../harness/mcp-harness.ts'
import { type ProxyHarness, startProxyHarness, TOKENS } from '../harness/proxy/proxy-harness.ts'

let proxy: ProxyHarness
/** Sends a message on every standing stream of the upstream. */
const senders: (() => Promise<void>)[] = []

const NEW = 'glpat-new-6d4b2a0c8e'
const call = { signal: new AbortController().signal, correlationId: 'test' }
const keyOf = (user: string) => storageKey('gitlab', proxy.harness.owner(user))

beforeAll(async () => {
  proxy = await startProxyHarness({
    upstream: {
      register(server: McpServer) {
        senders.push(() => server.server.sendLoggingMessage({ level: 'info', data: 'still there' }))
      },
    },
  })
  proxy.service.know(NEW, 'alice')
})
afterEach(() => proxy.harness.forget('alice', 'gitlab'))
afterAll(() => proxy.close())

async function enter(pat: string): Promise<Awaited<ReturnType<ProxyHarness['connect']>>> {
  const alice = await proxy.connect('alice')
  await fillIn(linkIn((await alice.text('who_am_i')).text), 'alice', { pat })
  await alice.text('who_am_i')
  return alice
}

test('a token that was rotated in the store is used by the next call, in a session of its own, and the old one is ended', async () => {
  const alice = await enter(TOKENS.alice)
  const before = proxy.upstream.sessions()
  const intent = { expect: 'any', audit: undefined, operationId: randomUUID() } as const
  await proxy.harness.backend.write(keyOf('alice'), { pat: NEW }, intent, call)
  await expect
    .poll(async () => {
      await alice.text('who_am_i')
      return proxy.upstream.received.findLast(({ body }) => body.includes('tools/call'))?.headers.authorization
    })
    .toBe(`Bearer ${NEW}`)
  await expect.poll(() => proxy.upstream.sessions().filter((id) => before.includes(id)).length).toBe(before.length - 1)
  const old = new Set(before)
  const withOld = proxy.upstream.received.filter(
    ({ headers }) => headers.authorization === `Bearer ${NEW}` && old.has(String(headers['mcp-session-id'])),
  )
  expect(withOld.every(({ method }) => method === 'DELETE')).toBe(true)
})

test('a revoked token is not sent any more, the user is asked, and a standing stream ends', async () => {
  const alice = await enter(TOKENS.alice)
  await expect.poll(() => proxy.upstream.openStreams()).toBeGreaterThan(0)
  const logged: unknown[] = []
  await proxy.harness.backend.revoke(keyOf('alice'), { expect: 'any', purge: false, operationId: randomUUID() }, call)
  await expect.poll(async () => (await alice.text('who_am_i')).text).toContain('/credentials/gitlab/entry')
  alice.client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logged.push(params.data))
  const sent = proxy.upstream.received.length
  await alice.text('who_am_i')
  await alice.client.listTools()
  expect(proxy.upstream.received).toHaveLength(sent)
  // The stream ends with the next message that would come on it.
  await expect
    .poll(async () => {
      await Promise.all(senders.map((send) => send().catch(() => undefined)))
      return proxy.upstream.openStreams()
    })
    .toBe(0)
  const before = logged.length
  await Promise.all(senders.map((send) => send().catch(() => undefined)))
  await alice.client.ping()
  expect(logged).toHaveLength(before)
})

test('offboarding ends the standing streams of the one who left at once', async () => {
  await enter(TOKENS.alice)
  await expect.poll(() => proxy.upstream.openStreams()).toBeGreaterThan(0)
  await proxy.harness.vault.offboard(proxy.harness.owner('alice'))
  await expect.poll(() => proxy.upstream.openStreams()).toBe(0)
})

test('a session that the upstream has forgotten is opened again, and the call goes on', async () => {
  const alice = await enter(TOKENS.alice)
  proxy.upstream.forgetSessions()
  expect((await alice.text('who_am_i')).text).toBe('You are alice')
  expect(proxy.upstream.sessions()).toHaveLength(1)
})
