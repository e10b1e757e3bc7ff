import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Harness, startHarness } from '../e2e/mcp-harness.ts'

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

/** How many of a stream's calls have been answered when it is looked at no longer. */
async function countAnswers({ body }: Response, until: AbortSignal): Promise<number> {
  let text = ''
  const reader = body?.getReader()
  until.addEventListener('abort', () => void reader?.cancel())
  for (;;) {
    const part = await reader?.read()
    if (!part || part.done) break
    text += Buffer.from(part.value).toString()
  }
  return [...text.matchAll(/^data: (\{.*\})$/gm)].filter(([, json = '']) => !('method' in JSON.parse(json))).length
}

test('one person cannot make any number of calls wait at the same time', async () => {
  const token = await harness.identityProvider.issueAccessToken('mallory')
  const session = await openSession(token)
  const answers = await Promise.all(Array.from({ length: BATCHES }, (_, i) => post(token, batchOfCalls(i), session)))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  const answered = await Promise.all(answers.map((answer) => countAnswers(answer, AbortSignal.timeout(8_000))))
  const waiting = BATCHES * BATCH - answered.reduce((sum, one) => sum + one, 0)
  expect(waiting).toBeLessThan(BATCHES * BATCH)
})
