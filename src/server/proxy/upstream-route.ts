import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { type Catalogue, userCatalogue } from '../../proxy/catalogue/catalogue.ts'
import { discoveryCatalogue } from '../../proxy/catalogue/discovery-catalogue.ts'
import { snapshotCatalogue } from '../../proxy/catalogue/snapshot-catalogue.ts'
import { withToolRules } from '../../proxy/catalogue/tool-rules.ts'
import { commandOptions } from '../../proxy/config/command-options.ts'
import { httpConfig, isCommand, type UpstreamConfig } from '../../proxy/config/proxy-config.ts'
import { readUpstreamFiles, type UpstreamFiles } from '../../proxy/config/upstream-files.ts'
import type { ProxyRoute } from '../../proxy/session/proxy-route.ts'
import { rejectionMatcher } from '../../proxy/upstream/rejection-matcher.ts'
import type { Upstream } from '../../proxy/upstream/upstream.ts'
import { configuredHttp } from '../../proxy/upstream-http/configured-http.ts'
import type { ChildHost } from '../../proxy/upstream-stdio/child-host.ts'
import { configuredStdio } from '../../proxy/upstream-stdio/configured-stdio.ts'
import type { CredentialVault } from '../../vault/credential-vault.ts'
import { type ListedUpstream, listsOf } from './lists.ts'
import { type AttachedProvider, upstreamProvider } from './upstream-provider.ts'

/** The route of one upstream, with what a further configuration may keep of it. */
export interface MadeRoute {
  readonly attached: AttachedProvider
  readonly route: ProxyRoute
  readonly from: ListedUpstream
}

export interface FormerRoute extends MadeRoute {
  /** Whether its mount closes its upstream, which nothing can keep then. */
  readonly isLeft: boolean
}

export interface RouteParts {
  readonly vault: CredentialVault
  /** Whether the vault has a provider of this name by an earlier configuration. */
  readonly replaces: boolean
  /** What the processes of upstreams over stdio share. */
  readonly host: () => ChildHost
}

/** Makes the route of an upstream. What the new configuration does not change, such as open connections and processes, is kept. */
export function upstreamRoute(from: ListedUpstream, parts: RouteParts, former: FormerRoute | undefined): MadeRoute {
  const { attached, upstream } = isCommand(from.config) ? overStdio(from, parts, former) : overHttp(from, parts, former)
  const { name, config } = from
  const route: ProxyRoute = {
    ...{ name, upstream, provider: attached.provider, mode: config.mode, failFast: config.failFast },
    rejections: rejectionMatcher(config),
    catalogue: withToolRules(catalogueOf(from), config.tools),
    operations: parts.vault.operations,
  }
  return { attached, route, from }
}

type Backend = { readonly attached: AttachedProvider; readonly upstream: Upstream }

function overHttp(from: ListedUpstream, { vault, replaces }: RouteParts, former: FormerRoute | undefined): Backend {
  const { name, config, files } = from
  const known = former && !isCommand(former.from.config) ? former : undefined
  const keepsProvider = known && isDeepStrictEqual(providerParts(from), providerParts(known.from))
  const attached = keepsProvider ? known.attached : upstreamProvider(vault, { name, upstream: config, files }, replaces)
  if (keepsProvider && !known.isLeft && isDeepStrictEqual(connectionParts(from), connectionParts(known.from)))
    return { attached, upstream: known.route.upstream }
  return {
    attached,
    upstream: configuredHttp({ name, config: httpConfig(config), files, provider: attached.provider }),
  }
}

/** What makes the provider of an upstream over HTTP. */
function providerParts({ config, files: { tls } }: ListedUpstream) {
  const { credential, label, url, headers, timeouts, perOwner } = httpConfig(config)
  return { credential, label, origin: new URL(url).origin, headers, timeouts, calls: perOwner.calls, tls }
}

/** What makes the connection to it, beside the provider. */
function connectionParts({ config }: ListedUpstream) {
  const { url, perOwner, maxMessageBytes } = httpConfig(config)
  return { url, perOwner, maxMessageBytes }
}

/** The provider of such an upstream tries values at it, and the processes end with its credentials: both are kept, or neither. */
function overStdio(from: ListedUpstream, parts: RouteParts, former: FormerRoute | undefined): Backend {
  const { name, config, files } = from
  if (!isCommand(config)) throw new TypeError('the upstream has no command')
  const { vault, replaces } = parts
  if (former && !former.isLeft && isDeepStrictEqual(processParts(from), processParts(former.from)))
    return { attached: former.attached, upstream: former.route.upstream }
  const made: AttachedProvider[] = []
  const { upstream } = configuredStdio({
    ...{ name, config, configuration: randomUUID(), host: parts.host(), events: vault.events },
    makeProvider(verify) {
      const attached = upstreamProvider(vault, { name, upstream: config, files, verify }, replaces)
      made.push(attached)
      return attached.provider
    },
  })
  const [attached] = made
  if (!attached) throw new TypeError('no provider was made')
  return { attached, upstream }
}

/** What makes the processes of an upstream over stdio, and its provider. */
function processParts({ config, children = {} }: ListedUpstream) {
  const names = new Set(['credential', 'label', 'rejectedWhen', 'maxMessageBytes', ...Object.keys(commandOptions)])
  const own = Object.entries(config).filter(([name, value]) => names.has(name) && value !== undefined)
  return { ...Object.fromEntries(own), children }
}

function catalogueOf(from: ListedUpstream): Catalogue {
  const { name, files, log } = from
  const { snapshot, discovery } = files
  const warn = (message: string, fields?: Parameters<typeof log>[2]) => log('warn', message, fields)
  if (snapshot) return snapshotCatalogue(name, snapshot, warn)
  if (discovery) return discoveryCatalogue(name, () => listsOf(from, discovery), warn)
  return userCatalogue(name)
}

/** @throws `configuration_invalid`, naming each problem by its path */
export function filesOf(name: string, upstream: UpstreamConfig): UpstreamFiles {
  const { files, problems } = readUpstreamFiles(name, upstream, process.env)
  if (problems.length === 0) return files
  const lines = problems.map(({ path, message }) => `${['upstreams', name, ...path].join('.')}: ${message}`)
  throw new CredentialVaultError('configuration_invalid', lines.join('\n'), { reason: 'option' })
}
