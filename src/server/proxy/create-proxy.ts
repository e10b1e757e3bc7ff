import type { WarningOptions } from '../../core/host/process-warning.ts'
import { parseOptions } from '../../core/model/options.ts'
import type { KoaMiddleware } from '../../core/ports/koa.ts'
import { proxyConfigSchema } from '../../proxy/config/proxy-config.ts'
import type { ProxyConfig } from '../../proxy/config/upstream-options.ts'
import { childLog } from '../../proxy/upstream-stdio/child-host.ts'
import type { CredentialVault } from '../../vault/credential-vault.ts'
import { openProxy } from './open-proxy.ts'

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
  const checked = parseOptions(proxyConfigSchema, config, 'createProxy')
  return openProxy(vault, checked, childLog(warnings)).middleware
}
