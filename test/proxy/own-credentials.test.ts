import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { httpBrowser } from '../../examples/tickets/http-browser.ts'
import { fillIn, linkIn, openForm } from '../harness/mcp-harness.ts'
import { type ProxyHarness, startProxyHarness, TOKENS } from '../harness/proxy/proxy-harness.ts'

let proxy: ProxyHarness

beforeAll(async () => {
  proxy = await startProxyHarness()
})
afterEach(async () => {
  await proxy.harness.forget('alice', 'gitlab')
  await proxy.harness.forget('bob', 'gitlab')
})
afterAll(() => proxy.close())

test('Alice is asked on the call, fills in the form, and the call goes on with her own token', async () => {
  const alice = await proxy.connectAndFill('alice')
  expect(await alice.text('who_am_i')).toEqual({ text: 'You are alice', isError: false })
  expect(alice.links).toHaveLength(1)
  expect(alice.completed).toEqual(alice.elicitationIds)
  expect(await alice.text('who_am_i')).toEqual({ text: 'You are alice', isError: false })
  expect(alice.links).toHaveLength(1)
})

test('Alice and Bob act as themselves at the same unmodified server', async () => {
  const [alice, bob] = await Promise.all([proxy.connectAndFill('alice'), proxy.connectAndFill('bob')])
  await Promise.all([alice.text('who_am_i'), bob.text('who_am_i')])
  const calls = Array.from({ length: 6 }, (_, at) => (at % 2 ? alice : bob))
  const texts = await Promise.all(calls.map((client) => client.text('who_am_i')))
  expect(texts.map(({ text }) => text)).toEqual(calls.map((client) => `You are ${client === alice ? 'alice' : 'bob'}`))
  expect(new Set(proxy.service.done.map(({ who }) => who))).toEqual(new Set(['alice', 'bob']))
})

test('a client without URL mode gets the link as text, and its next call runs', async () => {
  const alice = await proxy.connect('alice')
  const asked = await alice.text('who_am_i')
  expect(asked.isError).toBe(true)
  await fillIn(linkIn(asked.text), 'alice', { pat: TOKENS.alice })
  expect(await alice.text('who_am_i')).toEqual({ text: 'You are alice', isError: false })
})

test('Bob opens the link of Alice and is refused, and Alice can still use it', async () => {
  const alice = await proxy.connect('alice')
  const link = linkIn((await alice.text('who_am_i')).text)
  const page = await openForm(httpBrowser(), link, 'bob')
  expect(page.status).toBe(403)
  await fillIn(link, 'alice', { pat: TOKENS.alice })
  expect((await alice.text('who_am_i')).text).toBe('You are alice')
})

test('each release is in the audit log before the upstream sees the token', async () => {
  const alice = await proxy.connectAndFill('alice')
  await alice.text('who_am_i')
  const before = proxy.harness.audit.events.filter(({ type }) => type === 'credential.resolved').length
  const sent = proxy.upstream.received.length
  await alice.text('who_am_i')
  const lines = proxy.harness.audit.events.filter(({ type }) => type === 'credential.resolved').slice(before)
  expect(lines).toHaveLength(proxy.upstream.received.length - sent)
  expect(lines[0]).toMatchObject({ provider: 'gitlab', tool: 'who_am_i', owner: { subject: 'alice' } })
})
