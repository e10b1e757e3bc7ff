import { z } from 'zod'
import { warnAbout } from '../../core/host/process-warning.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { parseOptions } from '../../core/model/options.ts'
import type { BrowserSessions } from '../../core/ports/browser-sessions.ts'
import type { ChangeFeed } from '../../core/ports/change-feed.ts'
import type { PendingStore } from '../../core/ports/pending-store.ts'
import { type RedisConnection, redisConnection } from '../../redis/connection/redis-connection.ts'
import { redisBrowserSessions } from '../../redis/redis-browser-sessions.ts'
import { redisChangeFeed } from '../../redis/redis-change-feed.ts'
import { redisPendingStore } from '../../redis/redis-pending-store.ts'
import { fromVariables, namingVariables, textNamingVariables, wholeNumber, withoutEmpty } from './environment.ts'

const text = z.string().optional()
const nodes = z.string().transform((list) => list.split(/[\s,]+/).filter((node) => node !== ''))
const flag = z.enum(['true', 'false']).transform((word) => word === 'true')

const environmentSchema = z.object({
  MCP_REDIS_URL: text,
  MCP_REDIS_SENTINEL_NAME: text,
  MCP_REDIS_SENTINEL_NODES: nodes.optional(),
  MCP_REDIS_SENTINEL_USERNAME: text,
  MCP_REDIS_SENTINEL_PASSWORD_FILE: text,
  MCP_REDIS_CLUSTER_NODES: nodes.optional(),
  MCP_REDIS_USERNAME: text,
  MCP_REDIS_PASSWORD: text,
  MCP_REDIS_PASSWORD_FILE: text,
  MCP_REDIS_TLS: flag.optional(),
  MCP_REDIS_CA_FILE: text,
  MCP_REDIS_CERT_FILE: text,
  MCP_REDIS_KEY_FILE: text,
  MCP_REDIS_TLS_SERVER_NAME: text,
  MCP_REDIS_PREFIX: text,
  MCP_REDIS_TIMEOUT_MILLISECONDS: wholeNumber.optional(),
  MCP_REDIS_DANGEROUSLY_ALLOW_PLAINTEXT: flag.optional(),
})

export const redisVariables: readonly string[] = Object.keys(environmentSchema.shape)

const OPTION_VARIABLES = {
  'redisConnection.url': 'MCP_REDIS_URL',
  'redisConnection.sentinel': 'MCP_REDIS_SENTINEL_NODES',
  'redisConnection.sentinel.name': 'MCP_REDIS_SENTINEL_NAME',
  'redisConnection.sentinel.nodes': 'MCP_REDIS_SENTINEL_NODES',
  'redisConnection.sentinel.passwordFile': 'MCP_REDIS_SENTINEL_PASSWORD_FILE',
  'redisConnection.cluster.nodes': 'MCP_REDIS_CLUSTER_NODES',
  'redisConnection.sentinel.username': 'MCP_REDIS_SENTINEL_USERNAME',
  'redisConnection.username': 'MCP_REDIS_USERNAME',
  'redisConnection.password': 'MCP_REDIS_PASSWORD',
  'redisConnection.passwordFile': 'MCP_REDIS_PASSWORD_FILE',
  'redisConnection.tls': 'MCP_REDIS_TLS',
  'redisConnection.tls.caFile': 'MCP_REDIS_CA_FILE',
  'redisConnection.tls.certFile': 'MCP_REDIS_CERT_FILE',
  'redisConnection.tls.keyFile': 'MCP_REDIS_KEY_FILE',
  'redisConnection.tls.serverName': 'MCP_REDIS_TLS_SERVER_NAME',
  'redisConnection.dangerouslyAllowPlaintext': 'MCP_REDIS_DANGEROUSLY_ALLOW_PLAINTEXT',
  'redisConnection.prefix': 'MCP_REDIS_PREFIX',
  'redisConnection.timeoutMilliseconds': 'MCP_REDIS_TIMEOUT_MILLISECONDS',
} as const

/** Whether the environment names a Redis. */
export function namesRedis(environment: NodeJS.ProcessEnv): boolean {
  return Object.keys(withoutEmpty(environment)).some((name) => redisVariables.includes(name))
}

/**
 * Creates the stores in the Redis that the environment names, which share a connection. Nothing is connected to before a vault opens.
 *
 * @throws `configuration_invalid`, naming the variable
 */
export function redisFromEnvironment(environment: NodeJS.ProcessEnv): {
  readonly pendingStore: PendingStore
  readonly browserSessions: BrowserSessions
  readonly changeFeed: ChangeFeed
} {
  const settings = parseOptions(environmentSchema, withoutEmpty(environment), 'environment')
  const { MCP_REDIS_SENTINEL_NAME: name, MCP_REDIS_SENTINEL_NODES: sentinels } = settings
  if ((name === undefined) !== (sentinels === undefined)) {
    throw new CredentialVaultError(
      'configuration_invalid',
      'environment.MCP_REDIS_SENTINEL_NODES: it and MCP_REDIS_SENTINEL_NAME belong together. Set both, or none.',
      { reason: 'option' },
    )
  }
  const warn = warnAbout('redis')
  const connection = fromVariables(OPTION_VARIABLES, () =>
    redisConnection({
      url: settings.MCP_REDIS_URL,
      ...(name !== undefined && { sentinel: sentinelOf(settings, name) }),
      ...(settings.MCP_REDIS_CLUSTER_NODES && { cluster: { nodes: settings.MCP_REDIS_CLUSTER_NODES } }),
      username: settings.MCP_REDIS_USERNAME,
      password: settings.MCP_REDIS_PASSWORD,
      passwordFile: settings.MCP_REDIS_PASSWORD_FILE,
      tls: tlsOf(settings),
      prefix: settings.MCP_REDIS_PREFIX,
      timeoutMilliseconds: settings.MCP_REDIS_TIMEOUT_MILLISECONDS,
      dangerouslyAllowPlaintext: settings.MCP_REDIS_DANGEROUSLY_ALLOW_PLAINTEXT,
      warn: (message) => warn(textNamingVariables(OPTION_VARIABLES, message)),
    }),
  )
  const redis = namingOwnVariables(connection)
  return {
    pendingStore: redisPendingStore({ redis }),
    browserSessions: redisBrowserSessions({ redis }),
    changeFeed: redisChangeFeed({ redis }),
  }
}

/** Files are read for each connection, so that their errors come late. */
function namingOwnVariables(redis: RedisConnection): RedisConnection {
  const named = async <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw namingVariables(OPTION_VARIABLES, error)
    })
  return {
    ...redis,
    open: () => named(redis.open()),
    run: (...given) => named(redis.run(...given)),
    listen: (...given) => named(redis.listen(...given)),
  }
}

type Settings = z.output<typeof environmentSchema>

function sentinelOf(settings: Settings, name: string) {
  return {
    name,
    nodes: settings.MCP_REDIS_SENTINEL_NODES ?? [],
    username: settings.MCP_REDIS_SENTINEL_USERNAME,
    passwordFile: settings.MCP_REDIS_SENTINEL_PASSWORD_FILE,
  }
}

/** Any file or name of TLS turns TLS on. `MCP_REDIS_TLS=false` with one of them is a contradiction, and the safe reading is TLS. */
function tlsOf(settings: Settings) {
  const given = {
    caFile: settings.MCP_REDIS_CA_FILE,
    certFile: settings.MCP_REDIS_CERT_FILE,
    keyFile: settings.MCP_REDIS_KEY_FILE,
    serverName: settings.MCP_REDIS_TLS_SERVER_NAME,
  }
  const isWanted = settings.MCP_REDIS_TLS === true || Object.values(given).some((value) => value !== undefined)
  return isWanted ? given : undefined
}
