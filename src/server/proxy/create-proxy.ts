import { type WarningOptions, warningsOf } from '../../core/host/process-warning.ts'
import { parseOptions } from '../../core/model/options.ts'
import type { KoaMiddleware } from '../../core/ports/koa.ts'
import { poolLimits } from '../../proxy/config/children-options.ts'
import { variablesOf } from '../../proxy/config/credential-config.ts'
import { httpConfig, isCommand, proxyConfigSchema, type UpstreamConfig } from '../../proxy/config/proxy-config.ts'
import type { ProxyConfig } from '../../proxy/config/upstream-options.ts'
import { proxyMount } from '../../proxy/proxy-mount.ts'
import { destinationsOf, httpRoute } from '../../proxy/upstream-http/http-route.ts'
import { childLog, createChildHost } from '../../proxy/upstream-stdio/child-host.ts'
import { stdioRoute } from '../../proxy/upstream-stdio/stdio-route.ts'
import type { CredentialVault } from '../../vault/credential-vault.ts'
import { CredentialsProvider } from '../../vault/provider/credentials-provider.ts'
import type { Verify } from '../../vault/provider/provider-form.ts'

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
  const { upstreams, children } = parseOptions(proxyConfigSchema, config, 'createProxy')
  const host = Object.values(upstreams).some(isCommand)
    ? createChildHost({ ...children, limits: poolLimits(children), log: childLog(warnings) })
    : undefined
  const mounts = Object.entries(upstreams).map(([name, upstream]) => {
    const route =
      host && isCommand(upstream)
        ? stdioRoute(name, upstream, (verify) => providerOf(vault, name, upstream, verify), {
            ...{ host, events: vault.events, warn },
          })
        : httpRoute(name, httpConfig(upstream), providerOf(vault, name, upstream), warn)
    return proxyMount(vault, route, { ...upstream, path: `/${name}/mcp` })
  })
  return (ctx, next) => {
    const from = (at: number): Promise<unknown> =>
      Promise.resolve(mounts[at] ? mounts[at](ctx, () => from(at + 1)) : next())
    return from(0)
  }
}

/** How long the tool that tries new values may take. */
const ANSWER_SECONDS = 15

function providerOf(
  vault: CredentialVault,
  name: string,
  upstream: UpstreamConfig,
  verify?: Verify,
): CredentialsProvider {
  const { provider = name, variables: _, ...options } = upstream.credential
  const given = { ...options, label: upstream.label }
  const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return new CredentialsProvider({
    ...settings,
    ...(verify && { verify, verifyTimeoutSeconds: Math.min(120, upstream.startDeadlineSeconds + ANSWER_SECONDS) }),
    vault,
    name: provider,
    variables: variablesOf(upstream.credential),
    destinations: isCommand(upstream) ? [] : destinationsOf(httpConfig(upstream)),
  })
}
