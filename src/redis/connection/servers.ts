import type { CredentialVaultError } from '../../core/model/errors.ts'
import type { MovedSlot } from './key-slot.ts'
import { createLink, type Link, type LinkParts } from './link.ts'
import { openRedisClient, type RedisClient, type RedisLogin } from './redis-client.ts'
import { type Endpoint, endpointOf, type RedisSettings } from './redis-options.ts'
import { type RedisPlace, redisOutage } from './redis-problem.ts'
import { createSentinelLookup } from './sentinel.ts'
import { checkServer, type RedisMode, recheckServer, type ServerFacts } from './server-requirements.ts'

/** A link to a master, and what is known about it. */
export interface ServerLink extends Link {
  readonly place: RedisPlace
  /** Facts about the server behind a client that this link gave out. */
  factsOf(client: RedisClient): ServerFacts
  /** A second link to the same server, for changes that wait for a Redis replica: `WAIT` blocks its connection. */
  confirming(): ServerLink
}

/** What differs between one server, Sentinel and Cluster. */
export interface Servers {
  readonly mode: RedisMode
  /** What the options name, for errors of no single server. */
  readonly place: RedisPlace
  /** The link to the master that has the key. Rejects if it is not known now. */
  linkFor(key: string): Promise<ServerLink>
  /** Notes what a reply has said about a slot. Undefined where there are no slots. */
  moved?(slot: MovedSlot): void
  /** Looks for the masters again, because one did not answer. */
  lookAgain(): void
  /** One link to each master, for checks. Looks for them. */
  all(): Promise<readonly ServerLink[]>
  /** The links to the masters that are known now. */
  known(): readonly ServerLink[]
  /** Makes a link for listening, to any server that hears all messages. */
  subscriber(parts: SubscriberParts): Link
  close(): void
}

export type SubscriberParts = Pick<LinkParts, 'prepare' | 'check'>

export type LinkChanged = (problem: CredentialVaultError | undefined) => void

export interface ServersParts {
  readonly settings: RedisSettings
  readonly warn: (message: string) => void
  readonly changed: LinkChanged
}

export interface ServerLinkParts {
  readonly place: RedisPlace
  readonly find: () => Promise<Endpoint>
  readonly login: RedisLogin
  readonly mode: RedisMode
  readonly warn: (message: string) => void
  readonly changed: LinkChanged
  /** What a new connection needs beyond the checks of its server. */
  readonly prepare?: LinkParts['prepare']
  /** What is checked of a connection in use beyond its server. */
  readonly check?: LinkParts['check']
}

/** Makes a link that checks its server: the right kind, a master, and not evicting. */
export function createServerLink(parts: ServerLinkParts): ServerLink {
  const { place, find, login, mode, warn, changed } = parts
  const { where } = place
  const known = new WeakMap<RedisClient, ServerFacts>()
  let current: Endpoint | undefined
  let second: ServerLink | undefined
  const factsOf = (client: RedisClient): ServerFacts => known.get(client) ?? { replicas: 0, clock: 0 }
  const link = createLink({
    place,
    changed,
    async open() {
      current = await find()
      return openRedisClient(current, login)
    },
    async prepare(client) {
      known.set(client, await checkServer(client, where, mode, warn))
      await parts.prepare?.(client)
    },
    async check(client) {
      await recheckServer(client, where, factsOf(client))
      // A master that Sentinel has replaced may not know it yet. Sentinels that are away change nothing.
      const master = await find().catch(() => current)
      if (master?.host !== current?.host || master?.port !== current?.port)
        throw redisOutage(`${where} is no longer the master.`)
      await parts.check?.(client)
    },
  })
  return {
    ...link,
    place,
    factsOf,
    confirming() {
      second ??= createServerLink({ place, find, login, mode, warn: () => undefined, changed: () => undefined })
      return second
    },
    close() {
      link.close()
      second?.close()
    },
  }
}

/** One server, or the master that Sentinel names. */
export function createServers({ settings, warn, changed }: ServersParts): Servers {
  const { url, sentinel } = settings
  const login = loginOf(settings)
  const endpoint = url === undefined ? undefined : endpointOfUrl(url)
  const find = sentinel ? createSentinelLookup(sentinel, login) : async () => endpoint ?? { host: '', port: 0 }
  const where = endpoint ? `Redis at ${endpoint.host}:${endpoint.port}` : `The Redis master ${sentinel?.name}`
  const option = sentinel ? 'redisConnection.sentinel.nodes' : 'redisConnection.url'
  const place = { where, option, login: 'redisConnection', hasTls: login.tls !== undefined } as const
  const given = { place, find, login, mode: 'standalone', warn } as const
  const link = createServerLink({ ...given, changed })
  return {
    mode: 'standalone',
    place,
    linkFor: async () => link,
    lookAgain: () => undefined,
    all: async () => [link],
    known: () => [link],
    subscriber: (parts) => createServerLink({ ...given, ...parts, warn: () => undefined, changed: () => undefined }),
    close: () => link.close(),
  }
}

export function loginOf(settings: RedisSettings): RedisLogin {
  const { url, username, password, passwordFile, tls, dangerouslyAllowPlaintext } = settings
  const parsed = url === undefined ? undefined : new URL(url)
  return {
    username: username ?? (decodeURIComponent(parsed?.username ?? '') || undefined),
    password: password ?? (decodeURIComponent(parsed?.password ?? '') || undefined),
    passwordFile,
    tls: tls ?? (parsed?.protocol === 'rediss:' ? {} : undefined),
    allowsPlaintext: dangerouslyAllowPlaintext,
    database: Number(parsed?.pathname.slice(1) ?? 0),
  }
}

function endpointOfUrl(url: string): Endpoint {
  const { host, port } = new URL(url)
  return endpointOf(port === '' ? `${host}:6379` : host)
}
