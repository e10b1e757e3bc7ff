/**
 * What the replicas of one server share in Redis: open requests, and the ends of browser sessions.
 *
 * @module mcp-credential-vault/redis
 */

export { type RedisConnection, redisConnection } from './connection/redis-connection.ts'
export type {
  RedisClusterOptions,
  RedisOptions,
  RedisSentinelOptions,
  RedisTlsOptions,
} from './connection/redis-options.ts'
export { type RedisBrowserSessionsOptions, redisBrowserSessions } from './redis-browser-sessions.ts'
export { type RedisChangeFeedOptions, redisChangeFeed } from './redis-change-feed.ts'
export { type RedisPendingStoreOptions, redisPendingStore } from './redis-pending-store.ts'
