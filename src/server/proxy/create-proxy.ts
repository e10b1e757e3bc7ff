import { type WarningOptions, warningsOf } from '../../core/host/process-warning.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { parseOptions } from '../../core/model/options.ts'
import type { KoaMiddleware } from '../../core/ports/koa.ts'
import { proxyConfigSchema, type UpstreamConfig } from '../../proxy/config/proxy-config.ts'
import { readUpstreamFiles, type UpstreamFiles } from '../../proxy/config/upstream-files.ts'
import type { ProxyConfig } from '../../proxy/config/upstream-options.ts'
import { proxyMount } from '../../proxy/proxy-mount.ts'
import { httpRoute } from '../../proxy/upstream-http/http-route.ts'
import type { CredentialVault } from '../../vault/credential-vault.ts'
import { proxyPage } from './proxy-page.ts'
import { upstreamProvider } from './upstream-provider.ts'

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
  const checked = parseOptions(proxyConfigSchema, config, 'createProxy')
  const mounts = Object.entries(checked.upstreams).map(([name, upstream]) => {
    const files = filesOf(name, upstream)
    const provider = upstreamProvider(vault, name, upstream, files)
    const route = httpRoute({ name, config: upstream, files, provider, warn })
    return proxyMount(vault, route, { ...upstream, path: `/${name}/mcp` })
  })
  const parts = [...mounts, ...(checked.page ? [proxyPage(vault.serverBaseUrl, () => checked.upstreams)] : [])]
  return (ctx, next) => {
    const from = (at: number): Promise<unknown> =>
      Promise.resolve(parts[at] ? parts[at](ctx, () => from(at + 1)) : next())
    return from(0)
  }
}

/** @throws `configuration_invalid`, naming each problem by its path */
export function filesOf(name: string, upstream: UpstreamConfig): UpstreamFiles {
  const { files, problems } = readUpstreamFiles(name, upstream, process.env)
  if (problems.length === 0) return files
  const lines = problems.map(({ path, message }) => `${['upstreams', name, ...path].join('.')}: ${message}`)
  throw new CredentialVaultError('configuration_invalid', lines.join('\n'), { reason: 'option' })
}
