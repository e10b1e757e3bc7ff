import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { fillIn } from '../harness/mcp-harness.ts'
import { type ProxyHarness, startProxyHarness, TOKENS } from '../harness/proxy/proxy-harness.ts'
import { tokenIn } from '../harness/proxy/upstream-server.ts'

let proxy: ProxyHarness
/** Tokens that the upstream answers with this status, and how often it did. */
const refused = new Map<string, number>()
let refusals = 0

beforeAll(async () => {
  proxy = await startProxyHarness({ upstream: { intercept: refuse } })
})
beforeEach(() => {
  refused.clear()
  refusals = 0
})
afterEach(() => proxy.harness.forget('alice', 'gitlab'))
afterAll(() => proxy.close())

function refuse(request: IncomingMessage, response: ServerResponse): boolean {
  const status = refused.get(tokenIn(request.headers))
  if (status === undefined) return false
  refusals += 1
  response.writeHead(status).end()
  return true
}

/** Enters these tokens in turn, one for each time that the client is asked. */
function connectWith(tokens: string[]) {
  return proxy.connect('alice', {
    onLink: async (link) => {
      await fillIn(link, 'alice', { pat: tokens.shift() ?? 'none-left-0000' })
      return 'accept' as const
    },
  })
}

const OLD = 'glpat-old-7d2f8e1b0c'

test('HTTP 401 on a call asks for another token, and the call goes on with it', async () => {
  const alice = await connectWith([OLD, TOKENS.alice])
  refused.set(OLD, 401)
  expect(await alice.text('who_am_i')).toEqual({ text: 'You are alice', isError: false })
  expect(alice.links).toHaveLength(2)
  const types = proxy.harness.audit.events.map(({ type }) => type)
  expect(types).toContain('credential.rejected')
})

test('a token that was good when the session began is asked for again once it is refused', async () => {
  const alice = await connectWith([TOKENS.alice, 'glpat-new-1c9e7a5b3d'])
  await alice.text('who_am_i')
  refused.set(TOKENS.alice, 401)
  proxy.service.know('glpat-new-1c9e7a5b3d', 'alice')
  expect((await alice.text('who_am_i')).text).toBe('You are alice')
  expect(alice.links).toHaveLength(2)
})

test('a second 401 ends the call with the link: it is tried once more, not for ever', async () => {
  refused.set(OLD, 401).set('glpat-older-0a1b2c3d4e', 401)
  const alice = await connectWith([OLD, 'glpat-older-0a1b2c3d4e'])
  const { text, isError } = await alice.text('who_am_i')
  expect(isError).toBe(true)
  expect(text).toContain('/credentials/gitlab/entry')
  expect(alice.links).toHaveLength(2)
})

test('HTTP 401 on a list asks nobody: the next call does', async () => {
  const alice = await connectWith([TOKENS.alice, 'glpat-new-1c9e7a5b3d'])
  await alice.text('who_am_i')
  refused.set(TOKENS.alice, 401)
  expect((await alice.client.listTools()).tools).toEqual([])
  expect(alice.links).toHaveLength(1)
  proxy.service.know('glpat-new-1c9e7a5b3d', 'alice')
  expect((await alice.text('who_am_i')).text).toBe('You are alice')
  expect(alice.links).toHaveLength(2)
})

test.each([403, 500, 503])('HTTP %i is the answer to the call, and the token stays in use', async (status) => {
  const alice = await connectWith([TOKENS.alice])
  await alice.text('who_am_i')
  refused.set(TOKENS.alice, status)
  await expect(alice.call('who_am_i')).rejects.toThrow(`HTTP ${status}`)
  expect(refusals).toBe(1)
  refused.clear()
  expect((await alice.text('who_am_i')).text).toBe('You are alice')
  expect(alice.links).toHaveLength(1)
})
