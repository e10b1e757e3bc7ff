import { isDeepStrictEqual } from 'node:util'
import type { WriteLog } from '../../core/host/logger.ts'
import type { KoaMiddleware } from '../../core/ports/koa.ts'
import { httpMountOptions } from '../../mcp/transport/mount-options.ts'
import type { ChildrenOptions } from '../../proxy/config/children-options.ts'
import { type CheckedProxyConfig, isCommand, type UpstreamConfig } from '../../proxy/config/proxy-config.ts'
import { type ProxyMount, proxyMount } from '../../proxy/proxy-mount.ts'
import type { ChildHost } from '../../proxy/upstream-stdio/child-host.ts'
import type { CredentialVault } from '../../vault/credential-vault.ts'
import { hostOf, type ListedUpstream } from './lists.ts'
import { proxyPage } from './proxy-page.ts'
import { type AttachedProvider, tryProviders } from './upstream-provider.ts'
import { filesOf, type MadeRoute, upstreamRoute } from './upstream-route.ts'

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
interface Served extends MadeRoute {
  readonly mount: ProxyMount
}

/**
 * @param log also takes what the processes of servers over stdio write to standard error
 * @throws `configuration_invalid`, naming each problem by its path
 */
export function openProxy(vault: CredentialVault, config: CheckedProxyConfig, log: WriteLog): OpenProxy {
  const served = new Map<string, Served>()
  const hosts = childHosts(log)
  /** Names of providers that this proxy has declared. */
  const wasServed = new Set<string>()
  let current = config
  const page = proxyPage(vault.serverBaseUrl, () => (current.page ? current.upstreams : undefined))

  function serve(from: ListedUpstream, former?: Served): Served {
    const { name, config, children } = from
    const provider = config.credential.provider ?? name
    const parts = { vault, replaces: wasServed.has(provider), host: () => hosts.of(children) }
    const staysMounted = former && isDeepStrictEqual(mountParts(config), mountParts(former.from.config))
    const made = upstreamRoute(from, parts, former && { ...former, isLeft: !staysMounted })
    wasServed.add(provider)
    const mount = staysMounted ? former.mount : proxyMount(vault, made.route, { ...config, path: `/${name}/mcp` })
    if (former) leave(staysMounted ? mount.replace(made.route) : former.mount.retire(), former, made.attached)
    return { ...made, mount }
  }

  function leave(left: Promise<void>, former: Served, attached: AttachedProvider | undefined): void {
    const ended = left.then(() => (former.attached === attached ? undefined : former.attached.end()))
    ended.catch(() => log('warn', 'What the former configuration had open could not be ended in order.'))
  }

  function apply(next: CheckedProxyConfig): readonly string[] {
    const files = new Map(Object.entries(next.upstreams).map(([name, one]) => [name, filesOf(name, one)]))
    tryProviders(next, files)
    const differ: string[] = []
    for (const [name, config] of Object.entries(next.upstreams)) {
      const children = isCommand(config) ? next.children : undefined
      const from = { name, config, files: files.get(name) ?? { tls: {} }, children, log }
      const former = served.get(name)
      if (former && isDeepStrictEqual(from, former.from)) continue
      differ.push(name)
      served.set(name, serve(from, former))
    }
    for (const [name, former] of served) {
      if (Object.hasOwn(next.upstreams, name)) continue
      differ.push(name)
      served.delete(name)
      leave(former.mount.retire(), former, undefined)
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

/** What a mount keeps for its life. */
function mountParts(config: UpstreamConfig) {
  const names = new Set(['mode', ...Object.keys(httpMountOptions)])
  return Object.entries(config).filter(([name]) => names.has(name))
}

/** Makes the host of processes when the first of them is configured, and another one once that is closed or has other options. */
function childHosts(log: WriteLog): { of(children: ChildrenOptions | undefined): ChildHost } {
  let known: { readonly children: ChildrenOptions | undefined; readonly host: ChildHost } | undefined
  return {
    of(children) {
      if (!known || known.host.isClosed || !isDeepStrictEqual(known.children, children))
        known = { children, host: hostOf(children, log) }
      return known.host
    },
  }
}
