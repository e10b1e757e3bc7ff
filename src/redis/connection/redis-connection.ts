import { z } from 'zod'
import { partWarnings } from '../../core/host/process-warning.ts'
import { createOutage } from '../../core/journal/outage.ts'
import type { CredentialVaultError } from '../../core/model/errors.ts'
import { parseOptions } from '../../core/model/options.ts'
import { createClusterServers } from './cluster.ts'
import { PLAINTEXT_WARNING } from './plaintext.ts'
import { connectsInPlaintext, type RedisOptions, redisSchema } from './redis-options.ts'
import type { RedisScript } from './redis-script.ts'
import { createScriptRunner, type ScriptRun } from './script-runner.ts'
import { createServers } from './servers.ts'
import { createSubscriptions, type RedisChannel } from './subscriptions.ts'

/** A connection to Redis, which the stores of one vault share. */
export interface RedisConnection {
  /** Begins the name of every key and channel. */
  readonly prefix: string
  /** Whether keys with different hash tags may be on different servers. */
  readonly isCluster: boolean
  /**
   * Connects and checks every server.
   *
   * @throws `unavailable`, `unauthenticated`, `forbidden`, and `configuration_invalid` for a server that evicts keys, is too old or of
   *   another kind
   */
  open(): Promise<void>
  /**
   * Runs a script within the time limit, and again after a lost connection, so a script must bear to be run twice.
   *
   * @throws what `open` throws
   */
  run(script: RedisScript, run: ScriptRun): Promise<readonly string[]>
  /**
   * Calls `onMessage` for every message in the channel. Messages may be lost: `onGap` is called when some may have been. Resolves once the
   * channel is subscribed to, to the function that stops listening.
   */
  listen(channel: RedisChannel, onMessage: (message: string) => void, onGap: () => void): Promise<() => void>
  /** Counts a user of the connection. It closes when the last one calls the function that this returns. */
  attach(): () => Promise<void>
  /** Closes the connection for all who use it. */
  close(): Promise<void>
}

/** What a store uses of its connection. */
export interface StoreConnection extends Pick<RedisConnection, 'prefix' | 'isCluster' | 'open' | 'run' | 'listen'> {
  /** Ends the store's use. The connection closes with the last store that has used it. */
  release(): Promise<void>
}

/**
 * Returns the connection for one store, which counts as a user from its first use on. One that was only created, such as the browser
 * sessions in a tool tier, neither needs the connection nor keeps it open.
 */
export function connectionOfStore(redis: RedisConnection): StoreConnection {
  let detach: (() => Promise<void>) | undefined
  function used(): RedisConnection {
    detach ??= redis.attach()
    return redis
  }
  const { prefix, isCluster } = redis
  return {
    prefix,
    isCluster,
    open: () => used().open(),
    run: (...given) => used().run(...given),
    listen: (...given) => used().listen(...given),
    release: async () => detach?.(),
  }
}

/** Checks that a store was given a connection. */
export const connectionOption = () =>
  z.custom<RedisConnection>(
    (value) => typeof value === 'object' && value !== null && 'attach' in value,
    'must be a connection that redisConnection({ … }) made',
  )

/** Milliseconds for the first connection to each server. */
const OPEN_WITHIN = 10_000

/**
 * Connects to one Redis server, to the master that Sentinel names, or to a Redis Cluster. Nothing is sent before it is used or opened.
 *
 * @throws `configuration_invalid`
 * @example
 * ```ts
 * import { openVault } from 'mcp-credential-vault'
 * import { redisBrowserSessions, redisChangeFeed, redisConnection, redisPendingStore } from 'mcp-credential-vault/redis'
 *
 * const redis = redisConnection({ url: 'rediss://redis.example.com:6379', username: 'mcp', passwordFile: '/run/secrets/redis' })
 * const vault = await openVault({
 *   serverBaseUrl: 'https://mcp.example.com',
 *   backend,
 *   identity,
 *   pendingStore: redisPendingStore({ redis }),
 *   browserSessions: redisBrowserSessions({ redis }),
 *   changeFeed: redisChangeFeed({ redis }),
 * })
 * ```
 */
export function redisConnection(options: RedisOptions): RedisConnection {
  const settings = parseOptions(redisSchema, options, 'redisConnection')
  const { prefix, timeoutMilliseconds } = settings
  const warn = partWarnings(settings, 'redis')
  const reportChange = reporter(warn)
  const make = settings.cluster ? createClusterServers : createServers
  const servers = make({ settings, warn, changed: reportChange })
  const subscriptions = createSubscriptions({ servers, prefix, timeoutMilliseconds, warn })
  let users = 0
  let isOpened = false
  let isClosed = false

  async function close(): Promise<void> {
    isClosed = true
    subscriptions.close()
    servers.close()
  }

  return {
    prefix,
    isCluster: servers.mode === 'cluster',

    async open() {
      if (connectsInPlaintext(settings) && !isOpened) warn(PLAINTEXT_WARNING)
      isOpened = true
      const links = await servers.all()
      await Promise.all(links.map((link) => link.ready(OPEN_WITHIN)))
    },

    run: createScriptRunner(servers, timeoutMilliseconds, () => isClosed),
    listen: subscriptions.listen,

    attach() {
      users += 1
      let isAttached = true
      return async () => {
        if (!isAttached) return
        isAttached = false
        users -= 1
        if (users === 0) await close()
      }
    },

    close,
  }
}

/** Reports each problem of an outage once, and its end. */
function reporter(warn: (message: string) => void): (problem: CredentialVaultError | undefined) => void {
  const outage = createOutage()
  return (problem) => {
    if (!problem) {
      if (outage.end()) warn('Redis can be used again.')
    } else if (outage.isNews(problem.message)) warn(problem.message)
  }
}
