import { UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fillIn } from '../harness/mcp-harness.ts'
import { type ProxyHarness, startProxyHarness, TOKENS } from '../harness/proxy/proxy-harness.ts'
import { CALL, openRawClient } from '../harness/proxy/raw-client.ts'

let proxy: ProxyHarness

beforeAll(async () => {
  proxy = await startProxyHarness({ config: { mode: 'stateless' } })
})
afterAll(() => proxy.close())

async function connected(user: 'alice' | 'bob') {
  const client = await proxy.connect(user, { onLink: () => 'accept' })
  const error: unknown = await client.call('who_am_i').catch((thrown: unknown) => thrown)
  if (error instanceof UrlElicitationRequiredError)
    await fillIn(error.elicitations[0]?.url ?? '', user, { pat: TOKENS[user] })
  return { client, error }
}

test('a client without a session gets the link with error -32042, and then acts as itself', async () => {
  const { client, error } = await connected('alice')
  expect(error).toBeInstanceOf(UrlElicitationRequiredError)
  expect((await client.text('who_am_i')).text).toBe('You are alice')
  expect(client.links).toEqual([])
})

test('requests with the same id at the same time keep their answers apart, and so do two users', async () => {
  await connected('alice')
  await connected('bob')
  const tokens = await Promise.all(
    ['alice', 'bob'].map((user) => proxy.harness.identityProvider.issueAccessToken(user)),
  )
  const raw = await Promise.all(tokens.map((token) => openRawClient(proxy.url, token)))
  expect(raw.map(({ sessionId }) => sessionId)).toEqual(['', ''])
  const answers = await Promise.all(Array.from({ length: 12 }, (_, at) => raw[at % 2]?.send({ body: CALL })))
  for (const [at, answer] of answers.entries()) {
    expect(answer?.text).toContain(at % 2 ? 'You are bob' : 'You are alice')
    expect(answer?.text).toContain('"id":1')
  }
})

test('a session at the upstream cannot be reached, and a batch is refused', async () => {
  const token = await proxy.harness.identityProvider.issueAccessToken('bob')
  const raw = await openRawClient(proxy.url, token)
  for (const sessionId of proxy.upstream.sessions())
    expect((await raw.send({ body: CALL, sessionId })).text).toContain('You are bob')
  expect((await raw.send({ body: [CALL] })).status).toBe(400)
  expect((await raw.send({ method: 'GET' })).status).toBe(405)
})
