import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpBrowser } from '../../../examples/tickets/http-browser.ts'
import { fillIn, linkIn, openForm } from '../../harness/mcp-harness.ts'
import { TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { endSession, type StdioProxy, startStdioProxy, tool } from '../../harness/proxy/stdio-proxy.ts'

let proxy: StdioProxy

beforeAll(async () => {
  proxy = await startStdioProxy()
})
afterAll(() => proxy.close())

test('Alice is asked on the call, and Alice and Bob act as themselves, each through a child with a HOME of its own', async () => {
  const [alice, bob] = await Promise.all([proxy.connectAndFill('alice'), proxy.connectAndFill('bob')])
  expect(await alice.text('who_am_i')).toEqual({ text: 'You are alice', isError: false })
  expect(await bob.text('who_am_i')).toEqual({ text: 'You are bob', isError: false })
  expect(alice.links).toHaveLength(1)
  const calls = Array.from({ length: 6 }, (_, at) => (at % 2 ? alice : bob))
  const texts = await Promise.all(calls.map((client) => client.text('who_am_i')))
  expect(texts.map(({ text }) => text)).toEqual(calls.map((client) => `You are ${client === alice ? 'alice' : 'bob'}`))

  const [hers, his] = await Promise.all([alice, bob].map(async (one) => JSON.parse(await tool(one, 'surroundings'))))
  expect(hers.pid).not.toBe(his.pid)
  expect(hers.home).not.toBe(his.home)
  expect(hers.names).toEqual(['HOME', 'SERVICE', 'TMPDIR', 'TOKEN'])
  expect(JSON.stringify([hers.argv, his.argv])).not.toContain('glpat')
  expect(JSON.parse(await tool(alice, 'keep', { name: 'token.json' }))).toEqual(['token.json'])
  expect(JSON.parse(await tool(bob, 'kept'))).toEqual([])
})

test('Bob opens the link of Alice and is refused, and Alice can still use it', async () => {
  await proxy.harness.forget('alice', 'gitlab')
  const alice = await proxy.connect('alice')
  const link = linkIn((await alice.text('who_am_i')).text)
  expect((await openForm(httpBrowser(), link, 'bob')).status).toBe(403)
  await fillIn(link, 'alice', { pat: TOKENS.alice })
  expect((await alice.text('who_am_i')).text).toBe('You are alice')
})

test('a session that is closed takes its child and its files with it', async () => {
  const alice = await proxy.connectAndFill('alice')
  const before = proxy.remains().length
  const { pid } = JSON.parse(await tool(alice, 'surroundings'))
  expect(proxy.remains().length).toBeGreaterThan(before - 1)
  await endSession(alice)
  await expect.poll(() => isRunning(pid)).toBe(false)
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
