import { isDeepStrictEqual } from 'node:util'
import type { Warn } from '../../core/host/logger.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { KoaMiddleware } from '../../core/ports/koa.ts'
import { httpMountOptions } from '../../mcp/transport/mount-options.ts'
import type { CheckedProxyConfig, UpstreamConfig } from '../../proxy/config/proxy-config.ts'
import { readUpstreamFiles, type UpstreamFiles } from '../../proxy/config/upstream-files.ts'
import { type ProxyMount, proxyMount } from '../../proxy/proxy-mount.ts'
import type { ProxyRoute } from '../../proxy/session/proxy-route.ts'
import { httpRoute } from '../../proxy/upstream-http/http-route.ts'
import type { CredentialVault } from '../../vault/credential-vault.ts'
import { proxyPage } from './proxy-page.ts'
import { type AttachedProvider, tryProviders, upstreamProvider } from './upstream-provider.ts'

/** A proxy whose configuration may be replaced while it serves. */
export interface OpenProxy {
  readonly middleware: KoaMiddleware
  /**
   * Serves another configuration from now on. Sessions stay, and running calls end with what they began with.
   *
   * @returns the names of the upstreams that differ
   * @throws `configuration_invalid`, and then nothing has changed
   */
  replace(config: CheckedProxyConfig): readonly string[]
}

/** One upstream with everything that was made for it. */
interface Served {
  readonly config: UpstreamConfig
  readonly files: UpstreamFiles
  readonly attached: AttachedProvider
  readonly route: ProxyRoute
  readonly mount: ProxyMount
}

/** @throws `configuration_invalid`, naming each problem by its path */
export function openProxy(vault: CredentialVault, config: CheckedProxyConfig, warn: Warn): OpenProxy {
  const served = new Map<string, Served>()
  let current = config
  const page = proxyPage(vault.serverBaseUrl, () => (current.page ? current.upstreams : undefined))

  function routeOf(
    name: string,
    config: UpstreamConfig,
    files: UpstreamFiles,
    { provider }: AttachedProvider,
  ): ProxyRoute {
    return { ...httpRoute({ name, config, files, provider, warn }), operations: vault.operations }
  }

  function serve(name: string, config: UpstreamConfig, files: UpstreamFiles, former?: Served): Served {
    const isSame = former && isDeepStrictEqual(providerParts(config, files), providerParts(former.config, former.files))
    const attached = isSame
      ? former.attached
      : upstreamProvider(vault, name, config, files, wasServed.has(config.credential.provider ?? name))
    wasServed.add(config.credential.provider ?? name)
    const made = routeOf(name, config, files, attached)
    if (!former || !isDeepStrictEqual(mountParts(config), mountParts(former.config))) {
      const mount = proxyMount(vault, made, { ...config, path: `/${name}/mcp` })
      if (former) leave(former.mount.retire(), former, attached)
      return { config, files, attached, route: made, mount }
    }
    const { mount } = former
    const staysOpen = isSame && isDeepStrictEqual(upstreamParts(config), upstreamParts(former.config))
    if (staysOpen) void made.upstream.close()
    const route = staysOpen ? { ...made, upstream: former.route.upstream } : made
    leave(mount.replace(route), former, attached)
    return { config, files, attached, route, mount }
  }

  /** Names of providers that this proxy has declared. */
  const wasServed = new Set<string>()

  function leave(left: Promise<void>, former: Served, attached: AttachedProvider | undefined): void {
    const ended = left.then(() => (former.attached === attached ? undefined : former.attached.end()))
    ended.catch(() => warn('What the former configuration had open could not be ended in order.'))
  }

  function apply(next: CheckedProxyConfig): readonly string[] {
    const files = new Map(Object.entries(next.upstreams).map(([name, one]) => [name, filesOf(name, one)]))
    tryProviders(next, files)
    const differ: string[] = []
    for (const [name, config] of Object.entries(next.upstreams)) {
      const own = files.get(name) ?? { tls: {} }
      const former = served.get(name)
      if (former && isDeepStrictEqual([config, own], [former.config, former.files])) continue
      differ.push(name)
      served.set(name, serve(name, config, own, former))
    }
    for (const [name, former] of served) {
      if (Object.hasOwn(next.upstreams, name)) continue
      differ.push(name)
      served.delete(name)
      leave(former.mount.retire(), former, former.attached)
    }
    current = next
    return differ
  }

  apply(config)
  return {
    middleware(ctx, next) {
      const mounts = [...served.values()].map(({ mount }) => mount.middleware)
      const parts = [...mounts, page]
      const from = (at: number): Promise<unknown> =>
        Promise.resolve(parts[at] ? parts[at](ctx, () => from(at + 1)) : next())
      return from(0)
    },
    replace: apply,
  }
}

/** What makes the provider. */
function providerParts(
  { credential, label, url, headers, timeouts, perOwner }: UpstreamConfig,
  { tls }: UpstreamFiles,
) {
  return { credential, label, origin: new URL(url).origin, headers, timeouts, calls: perOwner.calls, tls }
}

/** What makes the connection to the upstream, beside the provider. */
function upstreamParts({ url, perOwner, maxMessageBytes }: UpstreamConfig) {
  return { url, perOwner, maxMessageBytes }
}

/** What a mount keeps for its life. */
function mountParts(config: UpstreamConfig) {
  const names = new Set(['mode', ...Object.keys(httpMountOptions)])
  return Object.entries(config).filter(([name]) => names.has(name))
}

/** @throws `configuration_invalid`, naming each problem by its path */
export function filesOf(name: string, upstream: UpstreamConfig): UpstreamFiles {
  const { files, problems } = readUpstreamFiles(name, upstream, process.env)
  if (problems.length === 0) return files
  const lines = problems.map(({ path, message }) => `${['upstreams', name, ...path].join('.')}: ${message}`)
  throw new CredentialVaultError('configuration_invalid', lines.join('\n'), { reason: 'option' })
}
