import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type OptionSchemas, parseOptions } from '../core/model/options.ts'
import type { BrowserSessions } from '../core/ports/browser-sessions.ts'
import { connectionOfStore, connectionOption, type RedisConnection } from './connection/redis-connection.ts'
import type { RedisScript } from './connection/redis-script.ts'
import * as scripts from './sessions/session-scripts.ts'

export interface RedisBrowserSessionsOptions {
  /** The connection, which other stores may share. */
  readonly redis: RedisConnection
}

const optionsSchema = z.strictObject({
  redis: connectionOption(),
} satisfies OptionSchemas<RedisBrowserSessionsOptions>)

/** Ended sessions and owners together. One more ends all sessions. */
const MAX_REMEMBERED = 100_000
/** The newest used logins are remembered. */
const MAX_USED_LOGINS = 100_000

/**
 * Keeps ended browser sessions in Redis, so that a sign-out holds on all replicas of the server. Redis learns hashes only. A session that
 * began before Redis's memory of endings is refused: if Redis has lost its data or some endings, all users sign in again. The same happens
 * if it would have to remember more than 100000 endings at once. If Redis is replicated, a sign-out fails until one Redis replica has it.
 *
 * @throws `configuration_invalid`
 * @example
 * ```ts
 * import { redisBrowserSessions, redisConnection } from 'mcp-credential-vault/redis'
 *
 * const redis = redisConnection({ url: 'rediss://redis.example.com:6379', passwordFile: '/run/secrets/redis' })
 * const browserSessions = redisBrowserSessions({ redis })
 * ```
 */
export function redisBrowserSessions(options: RedisBrowserSessionsOptions): BrowserSessions {
  const { redis: connection } = parseOptions(optionsSchema, options, 'redisBrowserSessions')
  const redis = connectionOfStore(connection)
  const root = `${redis.prefix}{sessions}`
  /** The most endings that Redis has told of. */
  let seen = 0

  async function run(script: RedisScript, ...given: readonly (string | number)[]): Promise<boolean> {
    const acknowledged = script === scripts.END || script === scripts.END_ALL
    const [answer, count] = await redis.run(script, {
      keys: [root],
      arguments: [seen, ...given].map(String),
      acknowledged,
    })
    seen = Math.max(seen, Number(count) || 0)
    return answer === 'yes'
  }

  return {
    async open() {
      await redis.open()
      // A session must not begin before Redis remembers endings, or it would be refused.
      await run(scripts.BEGIN)
    },

    async end(sessionId, until) {
      await run(scripts.END, hashed(sessionId), until, MAX_REMEMBERED)
    },

    async endAll(owner, notBefore, until) {
      await run(scripts.END_ALL, owner, notBefore, until, MAX_REMEMBERED)
    },

    isEnded: ({ id, owner, startedAt }) => run(scripts.IS_ENDED, hashed(id), owner, startedAt),

    async useLogin(loginId, until) {
      await run(scripts.USE_LOGIN, hashed(loginId), until, MAX_USED_LOGINS)
    },

    isLoginUsed: ({ id, startedAt }) => run(scripts.IS_LOGIN_USED, hashed(id), startedAt),
    close: redis.release,
  }
}

/** Ids are hashed, so that whoever reads Redis learns none that a cookie holds. */
function hashed(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}
