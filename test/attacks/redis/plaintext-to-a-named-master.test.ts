import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`

/** A server on this machine that answers every look for a master with one elsewhere. */
async function startNamer(answer: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      const text = String(chunk)
      if (text.includes('HELLO')) socket.write(`%1\r\n${bulk('proto')}:3\r\n`)
      else socket.write(/SENTINEL|CLUSTER/.test(text) ? answer : '+OK\r\n')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

const REFUSED = { code: 'configuration_invalid' }
const options = { password: 'of-the-redis-user', timeoutMilliseconds: 300, warn: () => undefined }

// A Sentinel or a proxy beside the server is on loopback; what it names need not be.
test('a Sentinel on this machine that names a master on another one does not make the password travel without TLS', async () => {
  const port = await startNamer(`*2\r\n${bulk('master.invalid')}${bulk('6379')}`)
  const redis = redisConnection({ ...options, sentinel: { name: 'main', nodes: [`127.0.0.1:${port}`] } })
  onTestFinished(() => redis.close())
  await expect(redis.open()).rejects.toMatchObject(REFUSED)
})

test('nor does a node of a cluster on this machine that names one on another', async () => {
  const port = await startNamer(`*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n${bulk('master.invalid')}:6379\r\n${bulk('id')}`)
  const redis = redisConnection({ ...options, cluster: { nodes: [`127.0.0.1:${port}`] } })
  onTestFinished(() => redis.close())
  await expect(redis.open()).rejects.toMatchObject(REFUSED)
})
