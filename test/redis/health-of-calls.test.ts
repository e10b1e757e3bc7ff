import { expect, onTestFinished, test } from 'vitest'
import { watchedPendingStore } from '../../src/core/journal/watched-pending-store.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import { memoryPendingStore } from '../../src/pending/memory-pending-store.ts'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'
import { newEntry } from '../../src/testing/pending-store/entries.ts'
import { startHarness } from '../harness/mcp-harness.ts'
import { redisCommands } from '../harness/redis/redis-commands.ts'
import { startRedisNode } from '../harness/redis/redis-server.ts'

async function toolsOverRedis() {
  const redis = await startRedisNode()
  onTestFinished(() => redis.remove())
  const url = `redis://127.0.0.1:${redis.port}`
  const harness = await startHarness({
    shared: () => ({
      pendingStore: redisPendingStore({ redis: redisConnection({ url, timeoutMilliseconds: 500, warn: () => {} }) }),
    }),
  })
  onTestFinished(() => harness.close())
  const alice = await harness.connect('alice')
  // Its client takes no links by itself, so the answer has the link.
  const call = () => alice.text('fail_fast').catch((error: Error) => ({ text: error.message, isError: true }))
  return { redis, harness, call, problems: () => Object.fromEntries(harness.vault.problems()) }
}

test('a call that gets no link because Redis is away is reported, until a call gets one', async () => {
  const { redis, call, problems } = await toolsOverRedis()
  expect((await call()).text).toContain('/credentials/jira/')
  expect(problems()).toEqual({})
  await redis.stop()
  expect((await call()).text).not.toContain('/credentials/jira/')
  expect(problems()).toEqual({ 'pending-store': expect.stringMatching(/^redis_(?:away|timeout)$/) })
  await redis.restart()
  await expect.poll(async () => (await call()).text).toContain('/credentials/jira/')
  expect(problems()).toEqual({})
})

test('a full Redis is reported until a request can be opened, although it still answers reads', async () => {
  const { redis, harness, call, problems } = await toolsOverRedis()
  await redisCommands(redis.port, [['CONFIG', 'SET', 'maxmemory', '1']])
  expect((await call()).isError).toBe(true)
  expect(problems()).toEqual({ 'pending-store': 'redis_full' })
  await fetch(`${harness.baseUrl}/readyz`)
  expect(problems()).toEqual({ 'pending-store': 'redis_full' })
  await redisCommands(redis.port, [['CONFIG', 'SET', 'maxmemory', '0']])
  expect((await call()).text).toContain('/credentials/jira/')
  expect(problems()).toEqual({})
})

test.each(['owner_full', 'aborted', 'closed'] as const)(
  'what concerns the caller alone is not reported: %s',
  async (reason) => {
    const failed: string[] = []
    const store = watchedPendingStore(
      {
        ...memoryPendingStore(),
        openOrReuse: () => Promise.reject(new CredentialVaultError('pending_store_full', 'No.', { reason })),
      },
      { failed: (_part, problem) => failed.push(problem), recovered: () => {} },
    )
    await expect(store.openOrReuse(newEntry())).rejects.toThrow('No.')
    expect(failed).toEqual([])
  },
)
