import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'

// The changelog: an outage whose reason alternates is logged once per reason. While a pod restarts, its proxy hangs up and talks in turns.
test('an outage of Redis whose reason alternates is logged once per reason', async () => {
  let connections = 0
  const server = createServer((socket) => {
    socket.on('error', () => {})
    connections += 1
    if (connections % 2 === 0) socket.destroy()
    else socket.end('220 hello\r\n')
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const told: string[] = []
  const redis = redisConnection({ url: `rediss://127.0.0.1:${port}`, warn: (message) => void told.push(message) })
  onTestFinished(() => redis.close())
  await redis.open().catch(() => undefined)
  await expect.poll(() => connections, { timeout: 20_000 }).toBeGreaterThan(6)
  expect(new Set(told).size).toBeGreaterThan(1)
  expect(told).toHaveLength(new Set(told).size)
}, 40_000)
