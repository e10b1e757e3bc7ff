import { CredentialVaultError } from '../../core/model/errors.ts'
import type { RedisClient } from './redis-client.ts'

/** What is known about the server behind a connection. Updated by each check. */
export interface ServerFacts {
  /** How many Redis replicas receive its changes now. */
  replicas: number
  /** Redis's clock minus `performance.now()`, in milliseconds. Never more than the true difference. */
  clock: number
}

export type RedisMode = 'standalone' | 'cluster'

/** The oldest version that is accepted. */
const OLDEST = [6, 2] as const
/** Milliseconds by which the clocks may differ without a warning. */
const MOST_CLOCK_DIFFERENCE = 5_000

/**
 * Asks a new connection's server about itself.
 *
 * @throws `configuration_invalid` for a server that must not be used, `unavailable` for one that is no master now
 */
export async function checkServer(
  client: RedisClient,
  where: string,
  mode: RedisMode,
  warn: (message: string) => void,
): Promise<ServerFacts> {
  const info = fieldsOf(await client.send(['INFO']))
  const refuse = (problem: string): never => {
    throw new CredentialVaultError('configuration_invalid', `${where} ${problem}`, { reason: 'redis_unfit' })
  }
  const actual = info.get('redis_mode')
  if (actual === 'sentinel') refuse('is a Sentinel. Name it in redisConnection.sentinel.nodes.')
  if (actual !== mode) {
    refuse(
      mode === 'cluster'
        ? 'is not a node of a cluster. Set redisConnection.url instead of redisConnection.cluster.nodes.'
        : 'is a node of a cluster. Set redisConnection.cluster.nodes instead.',
    )
  }
  const version = info.get('redis_version') ?? ''
  if (!isRecent(version)) refuse('is older than Redis 6.2. Upgrade it.')
  refuseEviction(info, where)
  // Replicas refuse changes. Right after a fail-over a master may still be one.
  if (info.get('role') !== 'master') throw notMaster(where)
  const clock = await askClock(client)
  const difference = Math.abs(clock + performance.now() - Date.now())
  if (difference > MOST_CLOCK_DIFFERENCE) {
    warn(
      `The clocks of ${where} and this machine differ by ${Math.round(difference / 1000)} s, so links and sign-outs end too early or too late. Synchronise both with NTP.`,
    )
  }
  return { replicas: replicasIn(info), clock }
}

/**
 * Asks again for what may change during a connection.
 *
 * @throws what {@link checkServer} throws for a server that evicts keys or is no master by now
 */
export async function recheckServer(client: RedisClient, where: string, facts: ServerFacts): Promise<void> {
  // Redis 6.2 takes one section a command.
  const [memory, replication] = await Promise.all([
    client.send(['INFO', 'memory']),
    client.send(['INFO', 'replication']),
  ])
  refuseEviction(fieldsOf(memory), where)
  const info = fieldsOf(replication)
  if (info.get('role') !== 'master') throw notMaster(where)
  facts.replicas = replicasIn(info)
  facts.clock = await askClock(client)
}

async function askClock(client: RedisClient): Promise<number> {
  const time = await client.send(['TIME'])
  const [seconds, microseconds] = Array.isArray(time) ? time.map(Number) : []
  return (seconds ?? 0) * 1000 + Math.floor((microseconds ?? 0) / 1000) - performance.now()
}

function notMaster(where: string): CredentialVaultError {
  return new CredentialVaultError(
    'unavailable',
    `${where} is a replica and takes no changes. Name the master, or let Sentinel name it: redisConnection.sentinel.nodes.`,
    { reason: 'redis_away', retryable: true },
  )
}

function refuseEviction(info: ReadonlyMap<string, string>, where: string): void {
  if (info.get('maxmemory_policy') === 'noeviction') return
  throw new CredentialVaultError(
    'configuration_invalid',
    `${where} does not have maxmemory-policy noeviction, so it could drop a sign-out or an open request to make room. Run "CONFIG SET maxmemory-policy noeviction" there, which takes effect at once, and set it in redis.conf too, or by "CONFIG REWRITE", so that it lasts. A managed Redis has it in its parameter group.`,
    { reason: 'redis_eviction' },
  )
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}

function replicasIn(info: ReadonlyMap<string, string>): number {
  return [...info].filter(([name, value]) => /^slave\d+$/.test(name) && /\bstate=online\b/.test(value)).length
}

function fieldsOf(info: unknown): ReadonlyMap<string, string> {
  const lines = String(info).split(/\r?\n/)
  return new Map(
    lines.flatMap((line) => {
      const at = line.indexOf(':')
      return at > 0 && !line.startsWith('#') ? [[line.slice(0, at), line.slice(at + 1)] as const] : []
    }),
  )
}
