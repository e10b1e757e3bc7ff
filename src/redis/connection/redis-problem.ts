import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { connectionFailure, connectionProblem } from '../../core/network/connection-failure.ts'

/** Replies of a server that will answer differently in a moment: it is starting, failing over, or moving the key. */
const PASSING = /^(?:LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|UNBLOCKED|NOREPLICAS|BUSY)\b/

/** Whether the same operation may succeed in a moment, over this connection or a new one. */
export function isPassing(error: unknown): boolean {
  if (isCredentialVaultError(error)) return error.code === 'unavailable' && error.retryable
  return !isReply(error) || PASSING.test(error.message)
}

/** Whether the server answered with an error, so that the connection still works. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && /^[A-Z]{2,}[A-Z0-9]*\s/.test(error.message)
}

/**
 * Returns our own error for what the package threw. Nothing of its text is kept, because it may quote a command.
 *
 * @param where the server, e.g. `Redis at redis.example.com:6379`
 */
export function redisProblem(error: unknown, where: string): CredentialVaultError {
  if (isCredentialVaultError(error)) return error
  const reply = isReply(error) ? error.message : ''
  if (/^(?:WRONGPASS|NOAUTH)\b|^ERR (?:invalid password|AUTH|Client sent AUTH)/.test(reply)) {
    return new CredentialVaultError(
      'unauthenticated',
      `${where} does not accept this server's user name and password. Check username and passwordFile (MCP_REDIS_USERNAME, MCP_REDIS_PASSWORD_FILE).`,
      { reason: 'redis_login' },
    )
  }
  if (/^NOPERM\b/.test(reply) || /NOPERM|ACL failure|can't run this command|No permissions/i.test(reply)) {
    return new CredentialVaultError(
      'forbidden',
      `${where} does not allow this server's user a command, key or channel. Give the user the rights that docs/redis.md lists.`,
      { reason: 'redis_rights' },
    )
  }
  if (/^OOM\b|\bOOM command/.test(reply)) {
    return new CredentialVaultError(
      'unavailable',
      `${where} has used up its memory, so nothing can be written to it. Give it more memory, or lower maxEntries.`,
      { reason: 'redis_full', retryable: true },
    )
  }
  if (reply !== '' && !PASSING.test(reply)) {
    return new CredentialVaultError(
      'unavailable',
      `${where} refused a command. Check its log, and that it is Redis 6.2 or newer.`,
      { reason: 'redis_refused', retryable: true },
    )
  }
  return redisAway(where, reply === '' ? problemOf(error) : 'it is starting or failing over')
}

/** The error for a server that cannot be reached. */
export function redisAway(where: string, problem: string): CredentialVaultError {
  return new CredentialVaultError(
    'unavailable',
    `${where} cannot be reached (${problem}). It keeps open requests and sign-ins; stored credentials are not affected. Try again in a moment.`,
    { reason: 'redis_away', retryable: true },
  )
}

/** The error for a connection or store that was closed. */
export function closedError(): CredentialVaultError {
  return new CredentialVaultError(
    'unavailable',
    'The connection to Redis is closed: this server is stopping, or the last store that used it was closed. Try again in a moment at another replica, or open the vault with a new redisConnection().',
    {
      reason: 'closed',
    },
  )
}

function problemOf(error: unknown): string {
  // A server without TLS answers a TLS client's greeting with text, or closes.
  if (connectionFailure(error) === 'plain_http') return 'it does not speak TLS'
  return connectionFailure(error) === undefined ? 'the connection ended' : connectionProblem(error)
}
