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
export async function askServer(
  client: RedisClient,
  where: string,
  mode: RedisMode,
  warn: (message: string) => void,
): Promise<ServerFacts> {
  const info = fieldsOf(await client.send(['INFO']))
  const refuse = (reason: 'redis_unfit' | 'redis_eviction', problem: string): never => {
    throw new CredentialVaultError('configuration_invalid', `${where} ${problem}`, { reason })
  }
  const actual = info.get('redis_mode')
  if (actual === 'sentinel')
    refuse('redis_unfit', 'is a Sentinel. Name it in sentinel.nodes (MCP_REDIS_SENTINEL_NODES).')
  if (actual !== mode) {
    refuse(
      'redis_unfit',
      mode === 'cluster'
        ? 'is not a node of a cluster. Set url (MCP_REDIS_URL) instead of cluster.'
        : 'is a node of a cluster. Set cluster.nodes (MCP_REDIS_CLUSTER_NODES) instead.',
    )
  }
  const version = info.get('redis_version') ?? ''
  if (!isRecent(version)) refuse('redis_unfit', 'is older than Redis 6.2. Upgrade it.')
  if (info.get('maxmemory_policy') !== 'noeviction') {
    refuse(
      'redis_eviction',
      'does not have maxmemory-policy noeviction, so it could drop a sign-out or an open request to make room. Set it in redis.conf, or use another server.',
    )
  }
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

/** Asks again for what may change during a connection. */
export async function askAgain(client: RedisClient, where: string, facts: ServerFacts): Promise<void> {
  const info = fieldsOf(await client.send(['INFO', 'replication']))
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
    `${where} is a replica and takes no changes. Name the master, or let Sentinel name it (MCP_REDIS_SENTINEL_NODES).`,
    { reason: 'redis_away', retryable: true },
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
