import { openRedisClient, type RedisClient, type RedisLogin } from './redis-client.ts'
import { type Endpoint, endpointOf, isPort, type RedisSentinelOptions } from './redis-options.ts'
import { redisOutage, redisProblem } from './redis-problem.ts'

/**
 * Returns the function that asks all Sentinels for the master, and believes more than half of them: one that has not heard of a fail-over
 * still names the former master, which may have restarted without its data. Those that do not answer are not counted.
 *
 * @throws `unavailable` if none of them names a master or they do not agree, `unauthenticated` if they refuse the login
 */
export function createSentinelLookup(
  sentinel: RedisSentinelOptions,
  { tls, allowsPlaintext }: Pick<RedisLogin, 'tls' | 'allowsPlaintext'>,
): () => Promise<Endpoint> {
  const { name, nodes, username, passwordFile } = sentinel
  const passwordOption = 'sentinel.passwordFile'
  const login = { username, passwordFile, passwordOption, password: undefined, tls, allowsPlaintext, database: 0 }
  const named = {
    option: 'redisConnection.sentinel.nodes',
    login: 'redisConnection.sentinel',
    hasTls: tls !== undefined,
  } as const

  /** Resolves to the master, or to the reason for none. */
  async function ask(node: string): Promise<Answer> {
    let client: RedisClient | undefined
    try {
      client = await openRedisClient(endpointOf(node), login)
      const answer = await client.send(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name])
      return Array.isArray(answer) && isPort(Number(answer[1]))
        ? { master: { host: String(answer[0]), port: Number(answer[1]) } }
        : {}
    } catch (error) {
      return { problem: redisProblem(error, { where: `Redis Sentinel at ${node}`, ...named }) }
    } finally {
      client?.destroy()
    }
  }

  return () =>
    new Promise((resolve, reject) => {
      const answers: Answer[] = []
      for (const node of nodes) {
        void ask(node).then((answer) => {
          answers.push(answer)
          const isLast = answers.length === nodes.length
          const masters = answers.flatMap(({ master }) => master ?? [])
          // One that hangs must not hold up the others.
          const chosen = majority(masters, isLast ? masters.length : nodes.length)
          if (chosen) resolve(chosen)
          else if (isLast) reject(problemOf(answers, masters.length))
        })
      }
    })
}

interface Answer {
  /** Undefined if it knows no master of this name. */
  readonly master?: Endpoint
  readonly problem?: Error
}

/** Returns the master that more than half of so many name. */
function majority(masters: readonly Endpoint[], of: number): Endpoint | undefined {
  return masters.find(
    (one) => masters.filter(({ host, port }) => host === one.host && port === one.port).length > of / 2,
  )
}

function problemOf(answers: readonly Answer[], named: number): Error {
  if (named > 0) return redisOutage('The Redis Sentinels do not agree on the master yet.')
  const advice = 'Check redisConnection.sentinel.name.'
  const unknown = () => redisOutage('The Redis Sentinels answer, but know no master of this name.', advice)
  return answers.find(({ problem }) => problem)?.problem ?? unknown()
}
