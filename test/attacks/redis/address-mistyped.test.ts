import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { doctor } from '../../../src/cli/doctor/doctor.ts'
import { runCommand } from '../../../src/cli/terminal/command.ts'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { createStores } from '../../../src/vault/environment/create-stores.ts'
import { freePort } from '../../harness/free-port.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'
import { temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

const CASES: readonly (readonly [string, (ports: Ports) => NodeJS.ProcessEnv, string, RegExp])[] = [
  // RFC 6761: no name below .invalid ever resolves.
  [
    'a host that does not resolve',
    () => ({ MCP_REDIS_URL: 'rediss://redis.invalid:6379' }),
    'redis_dns',
    /its host name does not resolve.*Redis keeps.*typo in the host of environment\.MCP_REDIS_URL.*DNS\.$/,
  ],
  [
    'such a Sentinel',
    () => ({ MCP_REDIS_SENTINEL_NAME: 'm', MCP_REDIS_SENTINEL_NODES: 'redis.invalid:26379', MCP_REDIS_TLS: 'true' }),
    'redis_dns',
    /typo in the host of environment\.MCP_REDIS_SENTINEL_NODES/,
  ],
  [
    'such a node of a cluster',
    () => ({ MCP_REDIS_CLUSTER_NODES: 'redis.invalid:7000', MCP_REDIS_TLS: 'true' }),
    'redis_dns',
    /typo in the host of environment\.MCP_REDIS_CLUSTER_NODES/,
  ],
  [
    'a port where nothing listens',
    ({ free }) => ({ MCP_REDIS_URL: `redis://127.0.0.1:${free}` }),
    'redis_away',
    /\(connection refused\).*correct host and port in environment\.MCP_REDIS_URL/,
  ],
  [
    'a server of another kind, without TLS',
    ({ talking }) => ({ MCP_REDIS_URL: `rediss://127.0.0.1:${talking}` }),
    'redis_tls',
    /does not speak TLS.*begin environment\.MCP_REDIS_URL with redis:\S+ instead\.$/,
  ],
  [
    'a Redis without TLS, which waits for more',
    ({ redis }) => ({ MCP_REDIS_URL: `rediss://127.0.0.1:${redis}` }),
    'redis_timeout',
    /\(no answer in time\).*A Redis without TLS is silent too.*begin environment\.MCP_REDIS_URL with redis:/,
  ],
  [
    'a server that accepts and is silent',
    ({ silent }) => ({ MCP_REDIS_URL: `redis://127.0.0.1:${silent}` }),
    'redis_timeout',
    /\(no answer in time\).*host and port in environment\.MCP_REDIS_URL\. Try again/,
  ],
  [
    'a server that hangs up',
    ({ closing }) => ({ MCP_REDIS_URL: `redis://127.0.0.1:${closing}` }),
    'redis_away',
    /whether environment\.MCP_REDIS_URL names a Redis.*rediss:/,
  ],
  [
    'a user that it does not know',
    ({ redis }) => ({
      MCP_REDIS_URL: `redis://127.0.0.1:${redis}`,
      MCP_REDIS_USERNAME: 'nobody',
      MCP_REDIS_PASSWORD: 'wrong',
    }),
    'redis_login',
    /environment\.MCP_REDIS_USERNAME and environment\.MCP_REDIS_PASSWORD_FILE/,
  ],
]

interface Ports {
  readonly redis: number
  readonly free: number
  readonly silent: number
  readonly closing: number
  readonly talking: number
}

const servers: Server[] = []
async function listening(act: (server: Server) => void = () => undefined): Promise<number> {
  const server = createServer()
  servers.push(server)
  act(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}

let redis: RedisNode
const problems = new Map<string, unknown>()
beforeAll(async () => {
  redis = await startRedisNode()
  const ports = {
    redis: redis.port,
    free: await freePort(),
    silent: await listening(),
    closing: await listening((server) => server.on('connection', (socket) => socket.destroy())),
    talking: await listening((server) =>
      server.on('connection', (socket) => socket.on('error', () => {}).end('220 hello\r\n')),
    ),
  }
  // Each is tried for ten seconds.
  await Promise.all(
    CASES.map(async ([what, variables]) => {
      const { pendingStore } = createStores({ MCP_VAULT_BACKEND: 'memory', ...variables(ports) })
      problems.set(what, await pendingStore.open?.().catch((error: unknown) => error))
      await pendingStore.shutdown()
    }),
  )
}, 60_000)
afterAll(async () => {
  for (const server of servers) server.close()
  await redis.remove()
})

describe('an operator who mistypes where Redis is', () => {
  test.each(CASES)('is told of %s', (what, _, reason, message) => {
    expect(problems.get(what)).toMatchObject({ reason, message: expect.stringMatching(message) })
  })

  test('reads it in doctor', async () => {
    let out = ''
    const environment = {
      MCP_VAULT_BACKEND: 'memory',
      MCP_AUDIT_FOLDER: join(await temporaryFolder(), 'audit'),
      MCP_REDIS_URL: 'rediss://redis.invalid:6379',
    }
    const print = (text: string) => {
      out += text
    }
    const terminal = { out: print, error: () => {}, environment, readSecret: async () => '' }
    expect(await runCommand(doctor, [], terminal)).toBe(1)
    expect(out).toMatch(/^WRONG .*its host name does not resolve.*host of environment\.MCP_REDIS_URL/m)
  })

  test('reads the option where code set it', async () => {
    const connection = redisConnection({ url: `redis://127.0.0.1:${await freePort()}`, warn: () => undefined })
    await expect(connection.open()).rejects.toThrow('correct host and port in redisConnection.url')
    await connection.close()
  })
})
