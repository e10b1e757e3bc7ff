import type { ErrorReason } from '../../core/model/error-reason.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { type ConnectionFailure, connectionFailure, connectionProblem } from '../../core/network/connection-failure.ts'

/** Replies of a server that will answer differently in a moment: it is starting, failing over, or moving the slot. */
const PASSING = /^(?:LOADING|MASTERDOWN|CLUSTERDOWN|ASK|TRYAGAIN|READONLY|UNBLOCKED|NOREPLICAS|BUSY)\b/
/** Those of a cluster whose slot is being moved. */
const MOVING = /^(?:ASK|TRYAGAIN)\b/

/** Whether the same operation may succeed in a moment, over this connection or a new one. */
export function isPassing(error: unknown): boolean {
  if (isCredentialVaultError(error)) return error.code === 'unavailable' && error.retryable
  return !isReply(error) || PASSING.test(error.message)
}

/** Whether the server answered with an error, so that the connection still works. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && /^[A-Z]{2,}[A-Z0-9]*\s/.test(error.message)
}

/** What messages say about a server: its address, and which options to correct. Options set by variables are translated later. */
export interface RedisPlace {
  /** The server in messages, e.g. `Redis at redis.example.com:6379`. */
  readonly where: string
  /** The option that holds its address, or the addresses of the servers that name it. */
  readonly option: 'redisConnection.url' | 'redisConnection.sentinel.nodes' | 'redisConnection.cluster.nodes'
  readonly hasTls: boolean
  /** Where `username` and `passwordFile` for it are. */
  readonly login: 'redisConnection' | 'redisConnection.sentinel'
}

/** Returns our own error for what the package threw. Nothing of its text is kept, because it may quote a command. */
export function redisProblem(error: unknown, place: RedisPlace): CredentialVaultError {
  if (isCredentialVaultError(error)) return error
  const { where, login } = place
  const reply = isReply(error) ? error.message : ''
  if (/^(?:WRONGPASS|NOAUTH)\b|^ERR (?:invalid password|AUTH|Client sent AUTH)/.test(reply)) {
    return new CredentialVaultError(
      'unauthenticated',
      `${where} does not accept this server's user name and password. Check ${login}.username and ${login}.passwordFile.`,
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
  if (MOVING.test(reply)) {
    const advice = `${AGAIN} If this lasts, finish the move with redis-cli --cluster fix.`
    return redisOutage(`${where} is moving a slot to another server, and answers for it afterwards.`, advice)
  }
  return reply === '' ? unreached(error, place) : redisOutage(`${where} is starting or failing over.`)
}

type Unreached = ConnectionFailure | 'ended'

/** The reasons that are not `redis_away`. */
const REASONS: Partial<Record<Unreached, 'redis_dns' | 'redis_timeout' | 'redis_tls'>> = {
  dns: 'redis_dns',
  timeout: 'redis_timeout',
  tls: 'redis_tls',
  plain_http: 'redis_tls',
}

/** What an operator does about each, once the option is put in. */
const ADVICE: Readonly<Record<Unreached, (place: RedisPlace) => string>> = {
  dns: ({ option }) => `Look for a typo in the host of ${option}, then check this machine's DNS.`,
  refused: ({ option }) => `Start Redis there, or correct host and port in ${option}.`,
  unreachable: ({ option }) => `Check the network and its firewalls, then the host in ${option}.`,
  timeout: (place) =>
    `Check whether Redis hangs or a firewall drops what is sent to it, then host and port in ${place.option}.${place.hasTls ? ` A Redis without TLS is silent too. ${withoutTls(place)}` : ''}`,
  tls: () =>
    "Check the certificate's name and dates, and set redisConnection.tls.caFile to its authority. If Redis asks for a certificate, set redisConnection.tls.certFile.",
  plain_http: withoutTls,
  broken_off: ended,
  not_http: ended,
  ended,
}

function withoutTls({ option }: RedisPlace): string {
  const plain = option === 'redisConnection.url' ? `begin ${option} with redis://` : 'unset redisConnection.tls'
  return `Enable TLS in Redis. On a network that you trust, ${plain} instead.`
}

function ended({ option, hasTls }: RedisPlace): string {
  const secured = option === 'redisConnection.url' ? `begin ${option} with rediss://` : 'set redisConnection.tls'
  const check = `Check its log, and whether ${option} names a Redis.`
  return hasTls ? check : `${check} If that takes connections with TLS alone, ${secured}.`
}

function unreached(error: unknown, place: RedisPlace): CredentialVaultError {
  const failure = connectionFailure(error) ?? 'ended'
  const words = { ended: 'the connection ended', plain_http: 'it does not speak TLS' } as const
  const problem = failure in words ? words[failure as keyof typeof words] : connectionProblem(error)
  const reason = REASONS[failure]
  // A name, a certificate or a missing TLS stays as it is until somebody changes it.
  const mayPass = reason === undefined || reason === 'redis_timeout'
  const advice = mayPass ? `${ADVICE[failure](place)} ${AGAIN}` : ADVICE[failure](place)
  return redisOutage(`${place.where} cannot be reached (${problem}).`, advice, reason)
}

const AGAIN = 'Try again in a moment.'

/** The error for a server to which there is no connection now. */
export function redisAway(where: string, problem: string): CredentialVaultError {
  return redisOutage(`${where} cannot be reached (${problem}).`)
}

/**
 * The error for a Redis that cannot be used now.
 *
 * @param what a sentence that says what it does instead
 * @param advice what an operator can do; by default only to wait, because it passes
 */
export function redisOutage(what: string, advice = AGAIN, reason: ErrorReason = 'redis_away'): CredentialVaultError {
  return new CredentialVaultError(
    'unavailable',
    `${what} Redis keeps open requests and sign-ins; stored credentials are not affected. ${advice}`,
    { reason, retryable: true },
  )
}

const AWAY: ReadonlySet<unknown> = new Set<ErrorReason>(['redis_away', 'redis_dns', 'redis_timeout', 'redis_tls'])

/** Whether Redis cannot be reached, so that no other command would learn more now. */
export function isAway(error: unknown): boolean {
  return isCredentialVaultError(error, 'unavailable') && AWAY.has(error.reason)
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
