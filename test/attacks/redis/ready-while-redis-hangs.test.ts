import { expect, onTestFinished, test } from 'vitest'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisBrowserSessions } from '../../../src/redis/redis-browser-sessions.ts'
import { redisChangeFeed } from '../../../src/redis/redis-change-feed.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { startHarness } from '../../harness/mcp-harness.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { startRedisNode } from '../../harness/redis/redis-server.ts'

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
      const answer = await fetch(`${harness.baseUrl}/readyz`)
      const body = (await answer.json()) as { problems?: Record<string, string> }
      return { status: answer.status, problems: body.problems }
    }
    expect((await asked()).status).toBe(200)
    const [info] = await redisCommands(node.port, [['INFO', 'server']])
    const id = Number(/process_id:(\d+)/.exec(String(info))?.[1])
    if (signal === 'SIGSTOP') process.kill(id, 'SIGSTOP')
    else await node.stop('SIGKILL')
    try {
      await expect.poll(async () => (await asked()).status).toBe(503)
      const seen = [await asked(), await asked(), await asked()]
      expect(seen.map(({ status }) => status)).toEqual([503, 503, 503])
      for (const { problems } of seen) expect(problems?.['pending-store']).toMatch(/^(redis_|timeout)/)
      expect((await fetch(`${harness.baseUrl}/credentials`)).status).toBe(200)
    } finally {
      if (signal === 'SIGSTOP') process.kill(id, 'SIGCONT')
      else await node.restart()
    }
    await expect.poll(async () => (await asked()).status).toBe(200)
  },
)
