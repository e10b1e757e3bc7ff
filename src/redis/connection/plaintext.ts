import { CredentialVaultError } from '../../core/model/errors.ts'
import { isLoopbackHost } from '../../core/network/loopback.ts'

/** Why options that connect to another machine without TLS are refused. */
export const PLAINTEXT_REFUSED = 'without TLS the password and every sign-out can be read and changed on the way'

/** What to do about it. */
export const PLAINTEXT_ADVICE =
  'Use rediss://, or redisConnection.tls with Sentinel and Cluster. On a network that you trust, set redisConnection.dangerouslyAllowPlaintext.'

/** What operators are told at start if they have allowed it. */
export const PLAINTEXT_WARNING =
  'Redis is reached without TLS. An attacker who can read that network learns its password, and one who can change its traffic can undo sign-outs.'

/** Whether a connection without TLS to one of these hosts crosses a network. */
export function crossesNetwork(hosts: readonly string[]): boolean {
  return !hosts.every(isLoopbackHost)
}

interface PlaintextRule {
  readonly tls: object | undefined
  readonly allowsPlaintext: boolean
}

/**
 * Refuses a server on another machine that a Sentinel or a cluster on this one names, if the connection has no TLS.
 *
 * @throws `configuration_invalid` (`reason: 'redis_plaintext'`)
 */
export function refusePlaintext(host: string, { tls, allowsPlaintext }: PlaintextRule): void {
  if (tls || allowsPlaintext || !crossesNetwork([host])) return
  throw new CredentialVaultError(
    'configuration_invalid',
    `Redis Sentinel or Cluster names ${host}, which is another machine, and this connection has no TLS: the password and every sign-out could be read on the network. Set redisConnection.tls. If you trust the network, set redisConnection.dangerouslyAllowPlaintext.`,
    { reason: 'redis_plaintext' },
  )
}
