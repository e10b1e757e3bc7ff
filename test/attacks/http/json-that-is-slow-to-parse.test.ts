import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { parseUntrustedJson } from '../../../src/core/model/json.ts'
import { metadataOf, startFakeIssuer } from '../../harness/identity/fake-issuer.ts'
import { openIdentity, refusal } from '../../harness/identity/opened-identity.ts'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'
import { openRawSession } from '../calls/raw-mcp-session.ts'

let harness: Harness
let token: string
beforeAll(async () => {
  harness = await startHarness()
  token = await harness.identityProvider.issueAccessToken('alice')
})
afterAll(() => harness.close())

async function post(body: string): Promise<{ status: number; text: string }> {
  const { sessionId } = await openRawSession(harness.baseUrl, token)
  const response = await fetch(`${harness.baseUrl}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-11-25',
      'mcp-session-id': sessionId,
    },
    body,
  })
  return { status: response.status, text: await response.text() }
}

const callWith = (json: string) =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"open","arguments":{"a":${json}}}}`
const nested = (depth: number, open = '[', close = ']') => open.repeat(depth) + close.repeat(depth)
const many = (part: string, times: number) => `[${Array(times).fill(part).join()}]`

test.each([
  ['arrays in arrays', nested(2_000_000), 'nested deeper than 64 levels'],
  ['arrays that are never closed', '['.repeat(4_000_000), 'nested deeper than 64 levels'],
  ['objects in objects', nested(600_000, '{"a":', '}').replace('}', '1}'), 'nested deeper than 64 levels'],
  ['nesting after a text with a quote in it', `["\\"", ${nested(100)}]`, 'nested deeper than 64 levels'],
  ['many small arrays side by side', many('[]', 1_300_000), 'more than 100000'],
  ['nesting that is just not too deep, again and again', many(nested(50), 30_000), 'more than 100000'],
  ['many members', `{${Array.from({ length: 200_000 }, (_, i) => `"${i}":1`).join()}}`, 'more than 100000'],
])('row i: %s are refused before anything is parsed', async (_, json, words) => {
  const parse = vi.spyOn(JSON, 'parse')
  onTestFinished(() => parse.mockRestore())
  const { status, text } = await post(callWith(json))
  expect(status).toBe(400)
  expect(text).toContain(words)
  expect(parse.mock.calls.map(([given]) => given).filter((given) => given.includes('"arguments"'))).toEqual([])
})

test.each([
  ['64 levels', nested(60)],
  ['brackets in a text', JSON.stringify({ text: `${'[{'.repeat(500_000)}"\\` })],
  ['a text of megabytes that ends in backslashes', JSON.stringify('\\'.repeat(1_000_000))],
  ['brackets as escapes', `"${'\\u005b'.repeat(100_000)}"`],
  ['a million numbers', many('1', 1_000_000)],
  ['ninety thousand members', `{${Array.from({ length: 90_000 }, (_, i) => `"${i}":1`).join()}}`],
])('row i: %s is read as before', async (_, json) => {
  const { status, text } = await post(callWith(json))
  expect(status).toBe(200)
  expect(text).toContain('open to all')
})

test('row i: JSON that arrives in pieces is counted across them', async () => {
  const text = callWith(`["\\"[[[", ${nested(100)}]`)
  const body = new ReadableStream({
    async start(controller) {
      for (const letter of text) controller.enqueue(Buffer.from(letter))
      controller.close()
    },
  })
  const { sessionId } = await openRawSession(harness.baseUrl, token)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'mcp-session-id': sessionId }
  const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit
  const response = await fetch(`${harness.baseUrl}/mcp`, init)
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('nested deeper')])
})

test("row i: an identity provider's and a backend's JSON have the same limits", async () => {
  expect(() => parseUntrustedJson(nested(65))).toThrow('nested deeper')
  expect(parseUntrustedJson(nested(64))).toEqual(JSON.parse(nested(64)))
  const fake = await startFakeIssuer((issuer) => ({
    '/.well-known/oauth-authorization-server': {
      body: metadataOf(issuer, { introspection_endpoint: `${issuer}/introspect` }),
    },
    '/introspect': { body: `{"active":true,"a":${nested(100_000)}}` },
  }))
  onTestFinished(() => fake.close())
  const introspection = { clientId: 'server', clientSecret: 'secret' }
  const identity = await openIdentity({ issuer: fake.issuer, clientId: 'form', introspection })
  expect(await refusal(identity.verifyToken('opaque'))).toMatchObject({ code: 'unavailable', reason: 'issuer_answer' })
})
