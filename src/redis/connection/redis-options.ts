import { z } from 'zod'
import { type Logger, loggerOption } from '../../core/host/logger.ts'
import { functionOption, type OptionSchemas } from '../../core/model/options.ts'
import { parsedUrl } from '../../core/model/url-value.ts'
import { crossesNetwork, PLAINTEXT_ADVICE, PLAINTEXT_REFUSED } from './plaintext.ts'

export interface RedisTlsOptions {
  /** File with the certificate authorities to trust instead of Node's own, PEM. Read again for each connection, as are the other files. */
  readonly caFile?: string | undefined
  /** Client certificate, PEM, with its intermediates. */
  readonly certFile?: string | undefined
  /** Private key of the client certificate, PEM. */
  readonly keyFile?: string | undefined
  /** Name that the server's certificate must carry, if it is not the host that is connected to. */
  readonly serverName?: string | undefined
}

export interface RedisSentinelOptions {
  /** Name of the monitored master, as in `sentinel monitor`. */
  readonly name: string
  /** The Sentinels, `host:port` each. */
  readonly nodes: readonly string[]
  /** ACL user of the Sentinels themselves, if they ask for one. */
  readonly username?: string | undefined
  /** File with the Sentinels' password. */
  readonly passwordFile?: string | undefined
}

export interface RedisClusterOptions {
  /** Some nodes of the cluster, `host:port` each. The others are found through them. */
  readonly nodes: readonly string[]
}

export interface RedisOptions {
  /**
   * One server: `rediss://redis.example.com:6379`, or `redis://` on loopback. A database number may follow as path. Give exactly one of
   * `url`, `sentinel` and `cluster`.
   */
  readonly url?: string | undefined
  /** The master that Redis Sentinel names. */
  readonly sentinel?: RedisSentinelOptions | undefined
  /** A Redis Cluster. */
  readonly cluster?: RedisClusterOptions | undefined
  /** ACL user. Default: Redis's default user. */
  readonly username?: string | undefined
  /** Password of the user. */
  readonly password?: string | undefined
  /** File with the password, instead of `password`. Read again for each connection, so that it can be changed while the server runs. */
  readonly passwordFile?: string | undefined
  /** TLS settings. `{}` turns TLS on for Sentinel and Cluster; a `rediss://` URL has it on. */
  readonly tls?: RedisTlsOptions | undefined
  /**
   * Begins the name of every key and channel: 1 to 64 letters, digits and `:._-`. Default `mcp-vault:`. Vaults that do not share links and
   * sessions need different prefixes.
   */
  readonly prefix?: string | undefined
  /** Longest time for one operation, in milliseconds, 100 to 60000. Default 5000. Reconnecting counts. */
  readonly timeoutMilliseconds?: number | undefined
  /**
   * Accepts a connection without TLS to another machine. An attacker who reads that network learns the password, and one who changes its
   * traffic can undo sign-outs. Warns at start. Default false.
   */
  readonly dangerouslyAllowPlaintext?: boolean | undefined
  /** Called with warnings for operators, which never contain a secret. Default: `logger`, else `process.emitWarning`. */
  readonly warn?: ((message: string) => void) | undefined
  /** A logger of pino's shape for these warnings. */
  readonly logger?: Logger | undefined
}

const file = z.string().min(1).optional()
const HOST_AND_PORT = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):(\d{1,5})$/
const nodes = z.array(z.string().regex(HOST_AND_PORT, 'must be host:port')).min(1).max(50)

const tlsSchema = z
  .strictObject({
    caFile: file,
    certFile: file,
    keyFile: file,
    serverName: z.string().min(1).optional(),
  } satisfies OptionSchemas<RedisTlsOptions>)
  .refine((tls) => (tls.certFile === undefined) === (tls.keyFile === undefined), {
    path: ['certFile'],
    error: 'it and redisConnection.tls.keyFile belong together',
    params: { advice: 'Set both, or neither.' },
  })

const sentinelSchema = z.strictObject({
  name: z.string().min(1),
  nodes,
  username: z.string().min(1).optional(),
  passwordFile: file,
} satisfies OptionSchemas<RedisSentinelOptions>)

const clusterSchema = z.strictObject({ nodes } satisfies OptionSchemas<RedisClusterOptions>)

export const redisSchema = z
  .strictObject({
    url: z
      .string()
      .refine(isRedisUrl, 'must be a redis:// or rediss:// URL with a host and at most a database number as path')
      .refine(isEncoded, 'its user name and password must be percent-encoded: write %25 for %')
      .optional(),
    sentinel: sentinelSchema.optional(),
    cluster: clusterSchema.optional(),
    username: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
    passwordFile: file,
    tls: tlsSchema.optional(),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9:._-]{1,64}$/, 'must be 1 to 64 letters, digits and :._-')
      .default('mcp-vault:'),
    timeoutMilliseconds: z.int().min(100).max(60_000).default(5_000),
    dangerouslyAllowPlaintext: z.boolean().default(false),
    warn: functionOption<(message: string) => void>(),
    logger: loggerOption(),
  } satisfies OptionSchemas<RedisOptions>)
  .refine(({ url, sentinel, cluster }) => [url, sentinel, cluster].filter((one) => one !== undefined).length === 1, {
    path: ['url'],
    error: 'it, redisConnection.sentinel and redisConnection.cluster.nodes each name the server',
    params: { advice: 'Set exactly one of them.' },
  })
  .refine(({ password, passwordFile }) => password === undefined || passwordFile === undefined, {
    path: ['password'],
    error: 'redisConnection.passwordFile is set too',
    params: { advice: 'Keep one, preferably the file.' },
  })
  .refine(
    ({ url, username, password, passwordFile }) =>
      url === undefined || !hasLogin(url) || [username, password, passwordFile].every((one) => one === undefined),
    {
      path: ['url'],
      error:
        'it holds a login, and redisConnection.username, redisConnection.password or redisConnection.passwordFile is set too',
      params: { advice: 'Keep one.' },
    },
  )
  // What a text that is no URL says of TLS is no matter.
  .refine(({ url, tls }) => tls === undefined || url === undefined || !isRedisUrl(url) || url.startsWith('rediss:'), {
    path: ['tls'],
    error: 'it needs a rediss:// URL',
    params: { advice: 'Begin redisConnection.url with rediss://.' },
  })
  .refine((options) => options.dangerouslyAllowPlaintext || !connectsInPlaintext(options), {
    path: ['url'],
    error: PLAINTEXT_REFUSED,
    params: { advice: PLAINTEXT_ADVICE },
  })

export type RedisSettings = z.output<typeof redisSchema>

/** Whether these options connect to another machine without TLS. */
export function connectsInPlaintext({
  url,
  tls,
  sentinel,
  cluster,
}: Pick<RedisOptions, 'url' | 'tls' | 'sentinel' | 'cluster'>): boolean {
  if (tls !== undefined || url?.startsWith('rediss:')) return false
  // A text that is no URL is refused by its own check, alone.
  if (url !== undefined && !isRedisUrl(url)) return false
  const named =
    url === undefined ? [...(sentinel?.nodes ?? []), ...(cluster?.nodes ?? [])] : [parsedUrl(url)?.host ?? '']
  return crossesNetwork(named.map((text) => endpointOf(text).host))
}

/** One server's address. */
export interface Endpoint {
  /** An IPv6 address has no brackets. */
  readonly host: string
  readonly port: number
}

export function endpointOf(text: string): Endpoint {
  const [, host = text, port = '6379'] = HOST_AND_PORT.exec(text) ?? []
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

export function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65_535
}

function isRedisUrl(text: string): boolean {
  const url = parsedUrl(text)
  if (!url) return false
  const { protocol, hostname, pathname, search, hash } = url
  return (
    /^rediss?:$/.test(protocol) && hostname !== '' && /^(?:\/\d{0,3})?$/.test(pathname) && search === '' && hash === ''
  )
}

function isEncoded(text: string): boolean {
  const url = parsedUrl(text)
  if (!url) return true
  const { username, password } = url
  try {
    decodeURIComponent(`${username}:${password}`)
    return true
  } catch {
    return false
  }
}

function hasLogin(text: string): boolean {
  const url = parsedUrl(text)
  return url !== undefined && (url.username !== '' || url.password !== '')
}
