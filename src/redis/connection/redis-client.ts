import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { unreadableFile } from '../../core/host/shown-path.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { refusePlaintext } from './plaintext.ts'
import type { Endpoint, RedisTlsOptions } from './redis-options.ts'

/** How a server is logged in to. */
export interface RedisLogin {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly passwordFile: string | undefined
  /** The option of the file, for errors. Default `passwordFile`. */
  readonly passwordOption?: string
  /** Undefined for a connection without TLS. */
  readonly tls: RedisTlsOptions | undefined
  /** Whether a server on another machine may be connected to without TLS. */
  readonly allowsPlaintext: boolean
  readonly database: number
}

/** One connection. It never reconnects and never queues a command for later: when it ends, all that was sent over it is rejected. */
export interface RedisClient {
  /** With `signal`, a command that the network has not taken yet is not sent once the signal aborts. */
  send(command: readonly string[], signal?: AbortSignal): Promise<unknown>
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>
  /** How many commands have been answered. */
  answers(): number
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>
  destroy(): void
}

const CONNECT_MILLISECONDS = 3_000
/** Commands that one connection may have under way. More are rejected, so that an outage does not fill the memory. */
const MOST_COMMANDS = 20_000

/**
 * Connects and logs in. The only place that uses the package `redis`.
 *
 * @throws the package's own errors, which the caller translates; `configuration_invalid` without the package or a readable file, and for a
 *   server on another machine that a Sentinel or a cluster names, if the connection has no TLS
 */
export async function openRedisClient({ host, port }: Endpoint, login: RedisLogin): Promise<RedisClient> {
  // The options were checked, but a Sentinel or a cluster on this machine may name a server on another one.
  refusePlaintext(host, login)
  const template = await loadTemplate()
  const [password, ca, cert, key] = await Promise.all([
    login.password ?? fileText(login.passwordOption ?? 'passwordFile', login.passwordFile),
    fileText('tls.caFile', login.tls?.caFile),
    fileText('tls.certFile', login.tls?.certFile),
    fileText('tls.keyFile', login.tls?.keyFile),
  ])
  const socket = { host, port, connectTimeout: CONNECT_MILLISECONDS, reconnectStrategy: false } as const
  const secure = {
    tls: true,
    minVersion: 'TLSv1.2',
    // A name in SNI must not be an address (RFC 6066 §3). The certificate is then checked against the address.
    servername: login.tls?.serverName ?? (isIP(host) ? '' : host),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert, key }),
  } as const
  const client = template.duplicate({
    socket: login.tls ? { ...socket, ...secure } : socket,
    ...(login.username !== undefined && { username: login.username }),
    ...(password !== undefined && { password: password.trim() }),
    ...(login.database !== 0 && { database: login.database }),
  })
  let answers = 0
  const ended = new Promise<void>((resolve) => {
    // Its errors also reject the commands under way.
    client.on('error', () => client.isOpen || resolve())
    client.on('end', () => resolve())
  })
  await connectedInTime(client)
  return {
    send: (command, signal) =>
      client.sendCommand(command, signal ? { abortSignal: signal } : {}).finally(() => {
        answers += 1
      }),
    answers: () => answers,
    subscribe: (channel, onMessage) => client.subscribe(channel, onMessage),
    ended,
    destroy() {
      if (client.isOpen) client.destroy()
    },
  }
}

/**
 * Connects. The package limits the time for the socket only, and a stopped server accepts one and never answers the login.
 *
 * @throws the package's error, or for one that is late an error with the system's code
 */
async function connectedInTime(client: { connect(): Promise<unknown>; destroy(): void }): Promise<void> {
  let isLate = false
  const late = setTimeout(() => {
    isLate = true
    client.destroy()
  }, CONNECT_MILLISECONDS)
  try {
    await client.connect()
  } catch (error) {
    // Its own error for a socket that is late has no code.
    const wasLate = isLate || (error instanceof Error && error.constructor.name === 'ConnectionTimeoutError')
    throw wasLate ? Object.assign(new Error('no answer', { cause: error }), { code: 'ETIMEDOUT' }) : error
  } finally {
    clearTimeout(late)
  }
}

async function fileText(option: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  try {
    return await readFile(path, 'utf8')
  } catch {
    throw unreadableFile(`redisConnection.${option}`, path)
  }
}

/** What all connections have in common. It never connects. */
let template: ReturnType<typeof createTemplate> | undefined

/** `createClient` builds a class with all of Redis's commands for each server that is not the one before; a duplicate shares its class. */
async function loadTemplate() {
  const { createClient } = await loadRedis()
  template ??= createTemplate(createClient)
  return template
}

function createTemplate(createClient: Awaited<ReturnType<typeof loadRedis>>['createClient']) {
  return createClient({
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    commandsQueueMaxLength: MOST_COMMANDS,
    // Each command has our own deadline. The package's costs an abort signal and a timer, which stay for five seconds after the answer.
    commandOptions: { timeout: 0 },
  })
}

async function loadRedis() {
  try {
    return await import('redis')
  } catch {
    throw new CredentialVaultError(
      'configuration_invalid',
      'Redis needs the package redis, which cannot be loaded. Install it: npm install redis',
      { reason: 'package_missing' },
    )
  }
}
