import { CredentialVaultError } from '../../core/model/errors.ts'
import type { CheckedProxyConfig } from '../../proxy/config/proxy-config.ts'
import { readProxyFile } from '../../proxy/config/read-config.ts'
import { readUpstreamFiles } from '../../proxy/config/upstream-files.ts'

/**
 * Reads the configuration file of a proxy, and everything that it names, as a start would.
 *
 * @param environment where the values for `catalogue: discovery` may be
 * @throws `configuration_invalid`, naming each problem by line and path
 */
export function readServableConfig(file: string, environment: NodeJS.ProcessEnv): CheckedProxyConfig {
  const { config, problem } = readProxyFile(file)
  const found = Object.entries(config.upstreams).flatMap(([name, upstream]) =>
    readUpstreamFiles(name, upstream, environment).problems.map(({ path, message }) => ({
      path: ['upstreams', name, ...path],
      message: message.replace('CONFIG.yaml', file),
    })),
  )
  if (found.length > 0) throw problem(found)
  return config
}

/** Reads the configuration file alone. What it names may be missing. */
export function readCheckedConfig(file: string): CheckedProxyConfig {
  return readProxyFile(file).config
}

/**
 * Returns the names of the upstreams of a file, or the one that is wanted, if it is there.
 *
 * @throws `configuration_invalid`
 */
export function upstreamNames(config: CheckedProxyConfig, wanted: string | undefined): readonly string[] {
  const names = Object.keys(config.upstreams)
  if (wanted === undefined) return names
  if (names.includes(wanted)) return [wanted]
  throw new CredentialVaultError(
    'configuration_invalid',
    `The configuration has no upstream of that name. It has: ${names.join(', ')}.`,
    { reason: 'option' },
  )
}

export type { CheckedProxyConfig }
