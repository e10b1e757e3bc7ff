import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { fillIn, linkIn } from '../../harness/mcp-harness.ts'
import { TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { type StdioProxy, startStdioProxy, tool } from '../../harness/proxy/stdio-proxy.ts'

let proxy: StdioProxy

const OLD = 'glpat-old-7d2f8e1b0c'
const types = () => proxy.harness.audit.events.map(({ type }) => type)

beforeAll(async () => {
  proxy = await startStdioProxy({
    upstream: { rejectedWhen: [{ text: 'answered 401', tools: ['who_am_i', 'change'] }], repeatable: ['who_am_i'] },
  })
})
afterEach(async () => {
  await proxy.harness.forget('alice', 'gitlab')
  proxy.service.know(OLD, undefined)
})
afterAll(() => proxy.close())

/** Enters these tokens in turn, one for each time that the client is asked. */
function connectWith(tokens: string[]) {
  return proxy.connect('alice', {
    onLink: async (link) => {
      await fillIn(link, 'alice', { pat: tokens.shift() ?? 'none-left-0000' })
      return 'accept' as const
    },
  })
}

test("a tool's error that means a rejected token asks for another one, and a call that may be repeated goes on with it", async () => {
  const alice = await connectWith([OLD, TOKENS.alice])
  expect(await tool(alice, 'who_am_i')).toBe('You are alice')
  expect(alice.links).toHaveLength(2)
  expect(types()).toContain('credential.rejected')
  await expect
    .poll(() => proxy.harness.audit.events.filter(({ type }) => type === 'child.ended').map(({ reason }) => reason))
    .toContain('rejected')
})

test('a call that may not be repeated is answered with the link, and is not sent again', async () => {
  const alice = await connectWith([OLD])
  const sent = proxy.service.tokens().length
  const answer = await tool(alice, 'change')
  expect(answer).toContain('/credentials/gitlab/entry')
  expect(proxy.service.tokens().slice(sent)).toEqual([OLD])
  await fillIn(linkIn(answer), 'alice', { pat: TOKENS.alice })
  expect(await tool(alice, 'change')).toBe('You are alice')
})

test('only the version that was rejected is put out of use: one that was stored meanwhile is tried, and nobody is asked', async () => {
  proxy.service.know(OLD, 'alice')
  const alice = await connectWith([OLD])
  await tool(alice, 'who_am_i')
  const asked = alice.links.length
  const slow = tool(alice, 'who_am_i', { milliseconds: 500 })
  await expect.poll(() => proxy.harness.audit.events.at(-1)?.tool).toBe('who_am_i')
  proxy.service.know(OLD, undefined)
  const intent = { expect: 'any', audit: undefined, operationId: randomUUID() } as const
  const call = { signal: new AbortController().signal, correlationId: 'test' }
  const key = storageKey('gitlab', proxy.harness.owner('alice'))
  await proxy.harness.backend.write(key, { pat: TOKENS.alice }, intent, call)
  expect(await slow).toBe('You are alice')
  expect(alice.links).toHaveLength(asked)
})

test('a second rejection in one call ends it with the link', async () => {
  const alice = await connectWith([OLD, 'glpat-also-wrong-0a1b2c'])
  expect(await tool(alice, 'who_am_i')).toContain('/credentials/gitlab/entry')
  expect(alice.links).toHaveLength(2)
})

test('another error of the tool is the answer, and the token stays in use', async () => {
  const alice = await connectWith([TOKENS.alice])
  expect(await tool(alice, 'fail')).toBe('it broke')
  expect(await tool(alice, 'who_am_i')).toBe('You are alice')
  expect(alice.links).toHaveLength(1)
})
