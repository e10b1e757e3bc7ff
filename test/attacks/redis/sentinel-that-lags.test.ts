import { expect, onTestFinished, test } from 'vitest'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { newEntry } from '../../../src/testing/pending-store/entries.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

async function started(options?: Parameters<typeof startRedisNode>[0]): Promise<RedisNode> {
  const node = await startRedisNode(options)
  onTestFinished(() => node.remove())
  return node
}

/** A Sentinel that names this master, as one does that has not heard of a fail-over. */
function sentinelOf({ port }: RedisNode): Promise<RedisNode> {
  return started({ sentinel: true, config: [`sentinel monitor main 127.0.0.1 ${port} 2`] })
}

function storeAt(nodes: readonly RedisNode[]) {
  const sentinel = { name: 'main', nodes: nodes.map(({ port }) => `127.0.0.1:${port}`) }
  const store = redisPendingStore({ redis: redisConnection({ sentinel, timeoutMilliseconds: 3_000, warn: () => {} }) })
  onTestFinished(() => store.shutdown())
  return store
}

async function keysIn({ port }: RedisNode): Promise<number> {
  return Number((await redisCommands(port, [['DBSIZE']]))[0])
}

// A former master that has restarted without its data would take sign-outs that nobody finds, and every link would have expired.
test('a Sentinel that still names the former master is outvoted, wherever it is in the list', async () => {
  const [master, former] = [await started(), await started()]
  const [lagging, one, other] = [await sentinelOf(former), await sentinelOf(master), await sentinelOf(master)]
  for (const order of [
    [lagging, one, other],
    [one, lagging, other],
    [one, other, lagging],
  ]) {
    await storeAt(order).openOrReuse(newEntry())
  }
  expect(await keysIn(former)).toBe(0)
  expect(await keysIn(master)).toBeGreaterThan(0)
})

test('Sentinels that do not agree name no master', async () => {
  const [master, former] = [await started(), await started()]
  const store = storeAt([await sentinelOf(former), await sentinelOf(master)])
  await expect(store.openOrReuse(newEntry())).rejects.toMatchObject({ code: 'unavailable', retryable: true })
  expect(await keysIn(former)).toBe(0)
})

test('one that is down, and one that does not know the name, do not count', async () => {
  const master = await started()
  const [down, stranger, right] = [
    await sentinelOf(master),
    await started({ sentinel: true }),
    await sentinelOf(master),
  ]
  await down.stop('SIGKILL')
  await storeAt([down, stranger, right]).openOrReuse(newEntry())
  expect(await keysIn(master)).toBeGreaterThan(0)
})

test('one that hangs does not hold up the others', async () => {
  const master = await started()
  const [hanging, one, other] = [await sentinelOf(master), await sentinelOf(master), await sentinelOf(master)]
  const [info] = await redisCommands(hanging.port, [['INFO', 'server']])
  const pid = Number(/process_id:(\d+)/.exec(String(info))?.[1])
  process.kill(pid, 'SIGSTOP')
  onTestFinished(() => void process.kill(pid, 'SIGCONT'))
  await storeAt([hanging, one, other]).openOrReuse(newEntry())
  expect(await keysIn(master)).toBeGreaterThan(0)
})
