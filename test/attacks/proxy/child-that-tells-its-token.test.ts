import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fillIn } from '../../harness/mcp-harness.ts'
import { TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { type StdioProxy, startStdioProxy, tool } from '../../harness/proxy/stdio-proxy.ts'
import { isRunning, processesWith } from '../../proxy/children/fixture.ts'

let proxy: StdioProxy

beforeAll(async () => {
  proxy = await startStdioProxy()
})
afterAll(() => proxy.close())

const everythingLogged = () => JSON.stringify([proxy.lines, proxy.harness.audit.events])

test('a crash that writes the token to standard error shows it to nobody, and the next call starts another child', async () => {
  const alice = await proxy.connectAndFill('alice')
  const { pid } = JSON.parse(await tool(alice, 'surroundings')) as { pid: number }
  const failed = await tool(alice, 'crash').catch(String)
  expect(failed).toContain('ended')
  expect(failed).not.toContain(TOKENS.alice)
  await expect.poll(() => isRunning(pid)).toBe(false)
  await expect.poll(() => proxy.lines.join('\n')).toContain('standard error withheld')
  await expect.poll(() => everythingLogged()).toContain('"reason":"crashed"')
  expect(everythingLogged()).not.toContain(TOKENS.alice)
  await expect.poll(() => tool(alice, 'who_am_i').catch(String)).toBe('You are alice')
})

test('results and logged lines that contain the token are withheld', async () => {
  const alice = await proxy.connectAndFill('alice')
  expect(await tool(alice, 'who_am_i')).toBe('You are alice')
  expect(await tool(alice, 'show_token')).not.toContain(TOKENS.alice)
  expect(await tool(alice, 'log_token')).toBe('logged')
  expect(await tool(alice, 'announce', { data: 'harmless' })).toBe('announced')
  expect(everythingLogged()).not.toContain(TOKENS.alice)
  expect(proxy.harness.audit.events.map(({ type }) => type)).toContain('credential.echoed')
})

test("the token is in its own child's environment, and in no other process's environment or parameters", async () => {
  // A token of this test's own: others may run beside it.
  const token = `glpat-${randomUUID()}`
  proxy.service.know(token, 'alice')
  await proxy.harness.forget('alice', 'gitlab')
  const onLink = async (link: string) => {
    await fillIn(link, 'alice', { pat: token })
    return 'accept' as const
  }
  const [alice, bob] = await Promise.all([proxy.connect('alice', { onLink }), proxy.connectAndFill('bob')])
  const [hers, his] = await Promise.all(
    [alice, bob].map(async (one) => JSON.parse(await tool(one, 'surroundings')) as { pid: number }),
  )
  const own = proxy.harness.audit.events.filter(({ type }) => type === 'credential.injected')
  const pids = own.filter(({ owner }) => owner?.subject === 'alice').map(({ pid }) => pid)
  expect(pids).toContain(hers?.pid)
  expect(processesWith(token).every((pid) => pids.includes(pid))).toBe(true)
  expect(processesWith(token)).toContain(hers?.pid)
  expect(readFileSync(`/proc/${his?.pid}/environ`, 'latin1')).not.toContain(token)
  for (const one of [hers, his]) expect(readFileSync(`/proc/${one?.pid}/cmdline`, 'latin1')).not.toContain('glpat-')
})
