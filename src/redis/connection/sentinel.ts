import { openRedisClient, type RedisClient, type RedisLogin } from './redis-client.ts'
import { type Endpoint, endpointOf, isPort, type RedisSentinelOptions } from './redis-options.ts'
import { redisAway, redisProblem } from './redis-problem.ts'

/**
 * Returns the function that asks the Sentinels for the master. Each is asked in turn, and the one that answered is asked first the next
 * time.
 *
 * @throws `unavailable` if none of them names a master, `unauthenticated` if they refuse the login
 */
export function createSentinelLookup(
  sentinel: RedisSentinelOptions,
  { tls, allowsPlaintext }: Pick<RedisLogin, 'tls' | 'allowsPlaintext'>,
): () => Promise<Endpoint> {
  const { name, username, passwordFile } = sentinel
  const passwordOption = 'sentinel.passwordFile'
  const login = { username, passwordFile, passwordOption, password: undefined, tls, allowsPlaintext, database: 0 }
  const nodes = [...sentinel.nodes]
  const option = 'redisConnection.sentinel.nodes'

  return async () => {
    let problem = redisAway(
      'Redis Sentinel',
      'no Sentinel knows a master of this name',
      'Check redisConnection.sentinel.name.',
    )
    for (const [at, node] of nodes.entries()) {
      let client: RedisClient | undefined
      try {
        client = await openRedisClient(endpointOf(node), login)
        const answer = await client.send(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name])
        if (!Array.isArray(answer) || !isPort(Number(answer[1]))) continue
        nodes.unshift(...nodes.splice(at, 1))
        return { host: String(answer[0]), port: Number(answer[1]) }
      } catch (error) {
        problem = redisProblem(error, {
          where: `Redis Sentinel at ${node}`,
          option,
          login: 'redisConnection.sentinel',
          hasTls: tls !== undefined,
        })
      } finally {
        client?.destroy()
      }
    }
    throw problem
  }
}
