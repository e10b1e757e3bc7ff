import { CredentialVaultError } from '../../core/model/errors.ts'
import { parseOptions } from '../../core/model/options.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import type { Snapshot } from '../../proxy/catalogue/snapshot.ts'
import { proxyConfigSchema } from '../../proxy/config/proxy-config.ts'
import type { ProxyConfig } from '../../proxy/config/upstream-options.ts'
import { childLog } from '../../proxy/upstream-stdio/child-host.ts'
import { listsOf } from './lists.ts'
import { filesOf } from './upstream-route.ts'

/**
 * Reads what an upstream lists, with your own credential for it. Write the result to the file that `snapshot` names, as JSON. The values
 * are sent to that server alone, and are not kept.
 *
 * @param upstream name of the upstream in the configuration
 * @param values the fields of the credential, by name; none for a server over stdio that lists its tools without one
 * @throws `configuration_invalid` for a configuration that is wrong or has no such upstream; `unavailable` if the server cannot be reached
 * @example
 * ```ts
 * import { writeFileSync } from 'node:fs'
 * import { readProxyConfig, takeProxySnapshot } from 'mcp-credential-vault/proxy'
 *
 * const snapshot = await takeProxySnapshot(readProxyConfig('proxy.yaml'), 'gitlab', { pat: process.env['GITLAB_TOKEN'] ?? '' })
 * writeFileSync('gitlab.snapshot.json', JSON.stringify(snapshot, undefined, 2))
 * ```
 */
export async function takeProxySnapshot(
  config: ProxyConfig,
  upstream: string,
  values: CredentialValues,
): Promise<Snapshot> {
  const { upstreams, children } = parseOptions(proxyConfigSchema, config, 'takeProxySnapshot')
  const found = Object.hasOwn(upstreams, upstream) ? upstreams[upstream] : undefined
  if (found) {
    const files = filesOf(upstream, { ...found, catalogue: 'user', discovery: undefined })
    return listsOf({ name: upstream, config: found, files, children, log: childLog({}) }, values)
  }
  throw new CredentialVaultError(
    'configuration_invalid',
    `takeProxySnapshot: the configuration has no upstream of that name. It has: ${Object.keys(upstreams).join(', ')}.`,
    { reason: 'option' },
  )
}
