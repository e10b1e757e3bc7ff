/** Why Redis, which the replicas of one server share, did not do what it was asked. Stable for logs. */
export const REDIS_REASONS = [
  /** It cannot be reached, is starting, or is failing over. */
  'redis_away',
  /** No replica confirmed the change in time, so a fail-over could undo it. */
  'redis_behind',
  /** It may drop keys to make room, and with them sign-outs and open requests. */
  'redis_eviction',
  /** It has no memory left. */
  'redis_full',
  /** It does not accept the user name and password. */
  'redis_login',
  /** It refused a command for another cause. */
  'redis_refused',
  /** Its ACL does not allow the user a command, key or channel. */
  'redis_rights',
  /** It did not answer in time. */
  'redis_timeout',
  /** It is too old, a Sentinel, or a cluster's node where none is expected, or the other way round. */
  'redis_unfit',
] as const

export type RedisReason = (typeof REDIS_REASONS)[number]

/** Whether an error is about Redis, and not about the store of the credentials. */
export function isRedisReason(reason: string | undefined): reason is RedisReason {
  return REDIS_REASONS.some((one) => one === reason)
}
