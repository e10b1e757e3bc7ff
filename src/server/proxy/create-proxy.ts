import { type WarningOptions, warningsOf } from '../../core/host/process-warning.ts'
import { parseOptions } from '../../core/model/options.ts'
import type { KoaMiddleware } from '../../core/ports/koa.ts'
import { variablesOf } from '../../proxy/config/credential-config.ts'
import { proxyConfigSchema, type UpstreamConfig } from '../../proxy/config/proxy-config.ts'
import type { ProxyConfig } from '../../proxy/config/upstream-options.ts'
import { proxyMount } from '../../proxy/proxy-mount.ts'
import { destinationsOf, httpRoute } from '../../proxy/upstream-http/http-route.ts'
import type { CredentialVault } from '../../vault/credential-vault.ts'
import { CredentialsProvider } from '../../vault/provider/credentials-provider.ts'

/**
 * Puts the gate in front of MCP servers that stay as they are. Each upstream is served at `/NAME/mcp`, and each user's calls go there with
 * the user's own credential.
 *
 * @param warnings where the operator is told about lists that have changed. Default: standard error
 * @throws `configuration_invalid`, naming each wrong option by its path
 * @example
 * ```ts
 * import { createProxy } from 'mcp-credential-vault/proxy'
 *
 * vault.register(app)
 * app.use(
 *   createProxy(vault, {
 *     upstreams: {
 *       gitlab: {
 *         url: 'https://gitlab-mcp.example.com/mcp',
 *         label: 'GitLab',
 *         credential: { variables: { pat: { label: 'Personal access token', type: 'password' } } },
 *         headers: { Authorization: 'Bearer {pat}' },
 *       },
 *     },
 *   }),
 * )
 * ```
 */
export function createProxy(vault: CredentialVault, config: ProxyConfig, warnings: WarningOptions = {}): KoaMiddleware {
  const warn = warningsOf(warnings, 'proxy')
  const { upstreams } = parseOptions(proxyConfigSchema, config, 'createProxy')
  const mounts = Object.entries(upstreams).map(([name, upstream]) => {
    const route = httpRoute(name, upstream, providerOf(vault, name, upstream), warn)
    return proxyMount(vault, route, { ...upstream, path: `/${name}/mcp` })
  })
  return (ctx, next) => {
    const from = (at: number): Promise<unknown> =>
      Promise.resolve(mounts[at] ? mounts[at](ctx, () => from(at + 1)) : next())
    return from(0)
  }
}

function providerOf(vault: CredentialVault, name: string, upstream: UpstreamConfig): CredentialsProvider {
  const { provider = name, variables: _, ...options } = upstream.credential
  const given = { ...options, label: upstream.label }
  const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return new CredentialsProvider({
    ...settings,
    vault,
    name: provider,
    variables: variablesOf(upstream.credential),
    destinations: destinationsOf(upstream),
  })
}
