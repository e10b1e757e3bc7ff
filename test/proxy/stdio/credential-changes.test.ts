import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { type StdioProxy, startStdioProxy, tool } from '../../harness/proxy/stdio-proxy.ts'
import { isRunning } from '../children/fixture.ts'

let proxy: StdioProxy

const NEW = 'glpat-new-6d4b2a0c8e'
const call = { signal: new AbortController().signal, correlationId: 'test' }
const keyOf = (user: string) => storageKey('gitlab', proxy.harness.owner(user))
const ends = () => proxy.harness.audit.events.filter(({ type }) => type === 'child.ended')

beforeAll(async () => {
  proxy = await startStdioProxy()
  proxy.service.know(NEW, 'alice')
})
afterEach(() => proxy.harness.forget('alice', 'gitlab'))
afterAll(() => proxy.close())

async function connected(user: 'alice' | 'bob' = 'alice') {
  const client = await proxy.connectAndFill(user)
  const { pid } = JSON.parse(await tool(client, 'surroundings')) as { pid: number }
  return { client, pid }
}

test('a token that was rotated in the store is used by the next call in a new child, and no call fails', async () => {
  const { client, pid } = await connected()
  const slow = tool(client, 'who_am_i', { milliseconds: 1_500, note: 'slow' })
  const intent = { expect: 'any', audit: undefined, operationId: randomUUID() } as const
  await proxy.harness.backend.write(keyOf('alice'), { pat: NEW }, intent, call)
  await expect
    .poll(async () => {
      expect(await tool(client, 'who_am_i')).toBe('You are alice')
      return (JSON.parse(await tool(client, 'surroundings')) as { pid: number }).pid
    })
    .not.toBe(pid)
  expect(await slow).toBe('You are alice')
  await expect.poll(() => isRunning(pid)).toBe(false)
  await expect.poll(() => ends().find((line) => line.pid === pid)?.reason).toBe('rotated')
  expect(proxy.service.tokens()).toContain(NEW)
})

test('a token that was revoked in the store ends its child, and the next call asks', async () => {
  const { client, pid } = await connected()
  await proxy.harness.backend.revoke(keyOf('alice'), { expect: 'any', purge: false, operationId: randomUUID() }, call)
  await expect.poll(() => isRunning(pid)).toBe(false)
  await expect.poll(() => ends().find((line) => line.pid === pid)?.reason).toBe('revoked')
  expect(await tool(client, 'who_am_i')).toBe('You are alice')
  expect(client.links).toHaveLength(2)
})

test('offboarding ends the child of the one who left and its running call, and nobody else', async () => {
  const [alice, bob] = await Promise.all([connected('alice'), connected('bob')])
  const running = tool(alice.client, 'who_am_i', { milliseconds: 600_000 }).catch(String)
  await expect.poll(() => proxy.harness.audit.events.at(-1)?.tool).toBe('who_am_i')
  const began = performance.now()
  await proxy.harness.vault.offboard(proxy.harness.owner('alice'))
  expect(await running).not.toContain('You are')
  await expect.poll(() => isRunning(alice.pid)).toBe(false)
  console.log(`the child of the one who left had ended after ${Math.round(performance.now() - began)} ms`)
  expect(isRunning(bob.pid)).toBe(true)
  expect(await tool(bob.client, 'who_am_i')).toBe('You are bob')
})

test('each child is in the audit log before it runs, with its version and process, and when it has ended', async () => {
  const before = proxy.harness.audit.events.length
  const { client, pid } = await connected()
  const lines = proxy.harness.audit.events.slice(before)
  const injected = lines.findIndex(({ type }) => type === 'credential.injected')
  const started = lines.findIndex(({ type }) => type === 'child.started')
  expect(injected).toBeGreaterThan(lines.findIndex(({ type }) => type === 'credential.resolved'))
  expect(started).toBeGreaterThan(injected)
  const known = { owner: { subject: 'alice' }, provider: 'gitlab', pid, version: lines[started]?.version }
  expect(lines[injected]).toMatchObject({ ...known, outcome: 'success', tool: 'surroundings' })
  expect(lines[started]).toMatchObject({ ...known, correlationId: lines[injected]?.correlationId })
  const calls = () =>
    proxy.harness.audit.events.filter(({ type, tool: name }) => type === 'credential.resolved' && name === 'who_am_i')
  const resolved = calls().length
  await tool(client, 'who_am_i')
  expect(calls()).toHaveLength(resolved + 1)
})

test('without its audit line no child runs', async () => {
  const broken = await startStdioProxy({
    harness: {
      wrapAudit: (audit) => ({
        ...audit,
        append: async (event) => {
          if (event.type === 'credential.injected') throw new Error('the disk is full')
          return audit.append(event)
        },
      }),
    },
  })
  try {
    const alice = await broken.connectAndFill('alice')
    expect(await tool(alice, 'who_am_i')).not.toContain('You are')
    expect(broken.service.done).toEqual([])
    expect(broken.remains()).toEqual([])
  } finally {
    await broken.close()
  }
})
