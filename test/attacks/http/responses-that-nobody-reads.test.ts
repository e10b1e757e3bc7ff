import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import type { McpMountOptions } from '../../../src/mcp/sdk-v1/index.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'
import { openRawSession } from '../calls/raw-mcp-session.ts'

/** More than the kernel keeps for both ends of a connection: it would else take a whole response that nobody reads. */
const LARGE = 'x'.repeat(24_000_000)
const PATIENT = { timeout: 100_000 }

let harness: Harness
let release: () => void
const requests: ClientRequest[] = []
afterEach(async () => {
  release()
  for (const one of requests.splice(0)) one.destroy()
  await harness.close()
})

async function start(mount: McpMountOptions): Promise<void> {
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const answer = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })
  harness = await startHarness({
    mount,
    tools: (server) => {
      server.registerTool('large', {}, async () => answer(LARGE))
      server.registerTool('waits', {}, async () => {
        await released
        return answer('released')
      })
    },
  })
}

/** Calls tools on a session of one user, each on a connection of its own, whose answers are read only by who wants to. */
async function caller(user: string): Promise<(tool: string) => Promise<IncomingMessage>> {
  const token = await harness.identityProvider.issueAccessToken(user)
  const { sessionId } = await openRawSession(harness.baseUrl, token)
  let id = 100
  return (tool) =>
    new Promise((resolve, reject) => {
      id += 1
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-11-25',
        'mcp-session-id': sessionId,
      }
      const call = { jsonrpc: '2.0', id, method: 'tools/call', params: { name: tool, arguments: {} } }
      const sent = request(`${harness.baseUrl}/mcp`, { method: 'POST', headers, agent: false }, resolve)
      sent.on('error', reject)
      requests.push(sent)
      sent.end(JSON.stringify(call))
    })
}

/** The answer's body; undefined when it was cut off. */
function bodyOf(response: IncomingMessage): Promise<string | undefined> {
  return text(response).catch(() => undefined)
}

test('row i: a response that its client does not read is cut off, and one that is read is not', async () => {
  await start({ writeTimeoutSeconds: 1 })
  const [alice, bob] = [await caller('alice'), await caller('bob')]
  const unread = await Promise.all(Array.from({ length: 6 }, () => alice('large')))
  // Each part that Bob takes shows that he reads.
  const read = await bob('large')
  let taken = 0
  for await (const chunk of read) taken += chunk.length
  expect(taken).toBeGreaterThan(LARGE.length)
  await expect.poll(() => harness.openResponses(), PATIENT).toBe(0)
  for (const body of await Promise.all(unread.map(bodyOf))) expect(body?.length ?? 0).toBeLessThan(LARGE.length)
  expect(await bodyOf(await alice('large'))).toContain(LARGE)
})

test('row i: above so many unread bytes an owner keeps one unread response, and others keep theirs', async () => {
  await start({ writeTimeoutSeconds: 3600, maxUnreadBytesPerOwner: 65_536 })
  const [alice, bob] = [await caller('alice'), await caller('bob')]
  const unread = await Promise.all(Array.from({ length: 5 }, () => alice('large')))
  const ofBob = await bob('large')
  // One of Alice's, and Bob's.
  await expect.poll(() => harness.openResponses(), PATIENT).toBe(2)
  const bodies = await Promise.all(unread.map(bodyOf))
  expect(bodies.filter((body) => body?.includes(LARGE)).length).toBeLessThan(2)
  expect(await bodyOf(ofBob)).toContain(LARGE)
})

test('row i: an owner has so many responses open and no more; others are served, and so is the end of a session', async () => {
  await start({ maxOpenResponsesPerOwner: 3 })
  const [alice, bob] = [await caller('alice'), await caller('bob')]
  const other = await openRawSession(harness.baseUrl, await harness.identityProvider.issueAccessToken('alice'))
  const open = Array.from({ length: 3 }, () => alice('waits'))
  await expect.poll(async () => (await bodyStatus(alice)) === 503, PATIENT).toBe(true)
  expect((await bob('large')).statusCode).toBe(200)
  expect((await other.send({ method: 'DELETE' })).status).toBe(200)
  release()
  for (const response of open) expect(await bodyOf(await response)).toContain('released')
  await expect.poll(async () => (await bodyStatus(alice)) === 200, PATIENT).toBe(true)
})

async function bodyStatus(call: (tool: string) => Promise<IncomingMessage>): Promise<number | undefined> {
  const response = await call('open')
  await bodyOf(response)
  return response.statusCode
}
