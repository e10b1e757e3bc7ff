import { afterEach, expect, test } from 'vitest'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'
import { openRawSession } from './raw-mcp-session.ts'

let harness: Harness
afterEach(() => harness.close())

const BODY = (name: string, id: number) =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {} } })

/** A server whose tool `slow` ends with the text "finished" once it is released. */
async function startSlowTool() {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let begun = 0
  harness = await startHarness({
    tools: (server) => {
      server.registerTool('slow', {}, async () => {
        begun += 1
        await released
        return { content: [{ type: 'text', text: 'finished' }] }
      })
    },
  })
  return { begun: () => begun, release: () => release() }
}

function post(sessionId: string, token: string, body: string): Promise<Response> {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2025-11-25',
    'mcp-session-id': sessionId,
  }
  return fetch(`${harness.baseUrl}/mcp`, { method: 'POST', headers, body })
}

// The gate is passed before anything is done, so whoever gets past the mount must not get past the gate either.
test('no call runs once the end has begun, in whatever batch or session it comes', async () => {
  const slow = await startSlowTool()
  const token = await harness.identityProvider.issueAccessToken('alice', {})
  const session = await openRawSession(harness.baseUrl, token)
  const send = (body: string) => post(session.sessionId, token, body)
  const running = send(BODY('slow', 1)).then((answer) => answer.text())
  await expect.poll(slow.begun).toBe(1)
  const closing = harness.vault.close()

  const notification = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: {} })
  for (const body of [BODY('slow', 2), `[${BODY('slow', 3)}]`, `[${notification},${BODY('slow', 4)}]`])
    expect((await send(body)).status).toBe(503)
  await expect(openRawSession(harness.baseUrl, token)).resolves.toMatchObject({ sessionId: '' })
  // A stranger learns nothing about it.
  const stranger = await session.send({ method: 'POST', token: undefined })
  expect([stranger.status, stranger.text]).toEqual([401, expect.not.stringContaining('restarting')])
  expect(slow.begun()).toBe(1)
  slow.release()
  await running
  await closing
})

test("another user's cancellation does not make the end leave a call", async () => {
  const slow = await startSlowTool()
  const alice = await harness.identityProvider.issueAccessToken('alice', {})
  const mallory = await harness.identityProvider.issueAccessToken('mallory', {})
  const session = await openRawSession(harness.baseUrl, alice)
  const send = (token: string, body: string) => post(session.sessionId, token, body)
  const running = send(alice, BODY('slow', 7)).then((answer) => answer.text())
  await expect.poll(slow.begun).toBe(1)
  const cancel = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } })
  expect((await send(mallory, cancel)).status).toBe(404)
  let isClosed = false
  const closing = harness.vault.close().then(() => {
    isClosed = true
  })
  expect((await send(mallory, cancel)).status).toBe(404)
  expect(isClosed).toBe(false)
  slow.release()
  expect(await running).toContain('finished')
  await closing
})
