import { afterAll, beforeAll, expect, test } from 'vitest'
import { textOf } from '../../../examples/tickets/http-browser.ts'
import { fillIn, linkIn } from '../../harness/mcp-harness.ts'
import { TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { type StdioProxy, startStdioProxy, tool } from '../../harness/proxy/stdio-proxy.ts'

const CHECKED = { check: { tool: 'who_am_i', arguments: { note: 'check' } }, rejectedWhen: [{ text: 'answered 401' }] }

let proxy: StdioProxy

beforeAll(async () => {
  proxy = await startStdioProxy({ upstream: CHECKED })
})
afterAll(() => proxy.close())

test('values are tried by a server of their own before they are saved, and nothing of it is left', async () => {
  const alice = await proxy.connect('alice')
  const link = linkIn(await tool(alice, 'who_am_i'))
  const refused = await fillIn(link, 'alice', { pat: 'glpat-mistyped-9f8e7d6c' })
  expect(textOf(refused.html)).toContain('The service did not accept these values.')
  expect(refused.html).not.toContain('glpat-mistyped')
  expect(await tool(alice, 'who_am_i')).toContain('/credentials/gitlab/entry')
  await fillIn(link, 'alice', { pat: TOKENS.alice })
  expect(proxy.service.done).toEqual([{ who: 'alice', what: '/check' }])
  await expect.poll(() => proxy.remains()).toEqual([])
  expect(await tool(alice, 'who_am_i')).toBe('You are alice')
  const types = proxy.harness.audit.events.map(({ type }) => type)
  expect(types).toContain('credential.verification_failed')
  expect(types).toContain('credential.verified')
})

test('a server that does not start says nothing about the values: they are not saved, and the form says so', async () => {
  const broken = await startStdioProxy({
    upstream: { ...CHECKED, command: [process.execPath, '-e', 'process.exit(1)'] },
  })
  try {
    const alice = await broken.connect('alice')
    const link = linkIn(await tool(alice, 'who_am_i'))
    const page = await fillIn(link, 'alice', { pat: TOKENS.alice })
    expect(textOf(page.html)).not.toContain('did not accept')
    expect(page.html).not.toContain(TOKENS.alice)
    const failed = broken.harness.audit.events.findLast(({ type }) => type === 'credential.verification_failed')
    expect(failed?.reason).toBe('child_crashed')
    expect(broken.harness.audit.events.map(({ type }) => type)).not.toContain('credential.stored')
  } finally {
    await broken.close()
  }
})
