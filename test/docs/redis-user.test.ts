import { expect, onTestFinished, test } from 'vitest'
import { MINIMAL_ACL } from '../harness/redis/minimal-acl.ts'
import { redisCommands } from '../harness/redis/redis-commands.ts'
import { startRedisNode } from '../harness/redis/redis-server.ts'

const PASSWORD = 'redis-password-7c2d'

test("the page's user, and the closed default one, are there after a restart", async () => {
  const redis = await startRedisNode()
  onTestFinished(() => redis.remove())
  await redisCommands(redis.port, [
    ['ACL', 'SETUSER', 'mcp', 'on', `>${PASSWORD}`, ...MINIMAL_ACL.split(/\s+/)],
    ['ACL', 'SETUSER', 'default', 'off'],
    ['CONFIG', 'REWRITE'],
  ])
  await redis.stop()
  await redis.restart()
  const login = { username: 'mcp', password: PASSWORD }
  expect((await redisCommands(redis.port, [['PING']], login)).map(String)).toEqual(['PONG'])
  await expect(redisCommands(redis.port, [['PING']])).rejects.toThrow('NOAUTH')
})
