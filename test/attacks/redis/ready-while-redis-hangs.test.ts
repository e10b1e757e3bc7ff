import { expect, onTestFinished, test } from 'vitest'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisBrowserSessions } from '../../../src/redis/redis-browser-sessions.ts'
import { redisChangeFeed } from '../../../src/redis/redis-change-feed.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { startHarness } from '../../harness/mcp-harness.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { startRedisNode } from '../../harness/redis/redis-server.ts'

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

test.each(['SIGSTOP', 'SIGKILL'] as const)(
  'the server is not ready, and says so in time, after %s for Redis',
  async (signal) => {
    const node = await startRedisNode()
    onTestFinished(() => node.remove())
    const harness = await startHarness({
      shared() {
        const redis = redisConnection({ url: `redis://127.0.0.1:${node.port}`, warn: () => undefined })
        return {
          pendingStore: redisPendingStore({ redis }),
          browserSessions: redisBrowserSessions({ redis }),
          changeFeed: redisChangeFeed({ redis }),
        }
      },
    })
    onTestFinished(() => harness.close())
    const asked = async () => {
      const began = performance.now()
      const answer = await fetch(`${harness.baseUrl}/readyz`)
      const body = (await answer.json()) as { problems?: Record<string, string> }
      return { took: performance.now() - began, status: answer.status, problems: body.problems }
    }
    expect((await asked()).status).toBe(200)
    await pause(5_100)
    const [info] = await redisCommands(node.port, [['INFO', 'server']])
    const id = Number(/process_id:(\d+)/.exec(String(info))?.[1])
    if (signal === 'SIGSTOP') process.kill(id, 'SIGSTOP')
    else await node.stop('SIGKILL')
    try {
      const seen = []
      for (let at = 0; at < 12; at += 1) {
        seen.push(await asked())
        await pause(700)
      }
      expect(Math.max(...seen.map(({ took }) => took))).toBeLessThan(4_000)
      expect(seen.slice(1).map(({ status }) => status)).toEqual(seen.slice(1).map(() => 503))
      for (const { problems } of seen) expect(problems?.['pending-store'] ?? 'x').toMatch(/^(redis_|timeout|x)/)
      const page = performance.now()
      await fetch(`${harness.baseUrl}/credentials`)
      expect(performance.now() - page).toBeLessThan(7_000)
    } finally {
      if (signal === 'SIGSTOP') process.kill(id, 'SIGCONT')
      else await node.restart()
    }
    await expect.poll(async () => (await asked()).status, { timeout: 15_000 }).toBe(200)
  },
)
