import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ProxyHarness, startProxyHarness } from '../../harness/proxy/proxy-harness.ts'
import { CALL, openRawClient, rpc } from '../../harness/proxy/raw-client.ts'

/** A cache of sessions that throws out the oldest fails the call that it is answering, and lets one user throw out the others. */
let proxy: ProxyHarness
let finish: () => void = () => undefined
let running: () => void = () => undefined

beforeAll(async () => {
  proxy = await startProxyHarness({
    config: { maxSessions: 4, maxSessionsPerOwner: 3 },
    upstream: {
      register(server) {
        server.registerTool('slow', {}, async () => {
          running()
          await new Promise<void>((resolve) => {
            finish = resolve
          })
          return { content: [{ type: 'text', text: 'slowly done' }] }
        })
      },
    },
  })
})
afterAll(() => proxy.close())

test('a user who opens sessions without end is refused; no call fails, and others still get a session', async () => {
  const client = await proxy.connectAndFill('alice')
  await client.text('who_am_i')
  const { identityProvider } = proxy.harness
  const [hers, his] = [await identityProvider.issueAccessToken('alice'), await identityProvider.issueAccessToken('bob')]
  const alice = await openRawClient(proxy.url, hers)
  const isRunning = new Promise<void>((resolve) => {
    running = resolve
  })
  const call = alice.send({ body: rpc(1, 'tools/call', { name: 'slow', arguments: {} }) })
  await isRunning
  const more = []
  for (let count = 0; count < 6; count += 1) more.push((await openRawClient(proxy.url, hers)).sessionId)
  expect(more).toContain('')
  const bob = await openRawClient(proxy.url, his)
  expect(bob.sessionId).not.toBe('')
  finish()
  expect((await call).text).toContain('slowly done')
  expect((await alice.send({ body: CALL })).text).toContain('You are alice')
  expect((await bob.send({ body: CALL })).text).toContain('/credentials/gitlab/entry')
})
