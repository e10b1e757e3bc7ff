import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'

// A call that waits costs about 26 kB for as long as `tokenTimeoutSeconds`, and a batch of a hundred costs its sender 13 kB once.
const BATCHES = 20
const BATCH = 100

let harness: Harness

beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.close())

async function post(token: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${harness.baseUrl}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(body),
  })
}

async function openSession(token: string): Promise<Record<string, string>> {
  const clientInfo = { name: 'raw', version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: { elicitation: { url: {} } }, clientInfo }
  const opened = await post(token, { jsonrpc: '2.0', id: 0, method: 'initialize', params })
  await opened.text()
  return { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': '2025-11-25' }
}

function batchOfCalls(number: number): readonly object[] {
  return Array.from({ length: BATCH }, (_, index) => {
    const id = 1 + number * BATCH + index
    const params = { name: 'read_secret', arguments: {}, _meta: { progressToken: id } }
    return { jsonrpc: '2.0', id, method: 'tools/call', params }
  })
}

/** Resolves with a stream's first answer to a call; what the server sends for other reasons has a method. */
async function firstAnswer({ body }: Response): Promise<string> {
  let text = ''
  for await (const part of body ?? []) {
    text += Buffer.from(part).toString()
    const messages = [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json = '']) => json)
    const answer = messages.find((json) => !('method' in JSON.parse(json)))
    if (answer !== undefined) return answer
  }
  throw new Error('The stream ended without an answer.')
}

test('one person cannot make any number of calls wait at the same time', async () => {
  const token = await harness.identityProvider.issueAccessToken('mallory')
  const session = await openSession(token)
  const answers = await Promise.all(Array.from({ length: BATCHES }, (_, i) => post(token, batchOfCalls(i), session)))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  // Nobody fills in the form, so a call that is allowed to wait is answered long after the test is over.
  expect(await Promise.any(answers.map(firstAnswer))).toContain('Open this link in a browser')
})
