import { variablesOf } from '../../proxy/config/credential-config.ts'
import type { UpstreamConfig } from '../../proxy/config/proxy-config.ts'
import type { UpstreamFiles } from '../../proxy/config/upstream-files.ts'
import { connectionOptionsOf, destinationsOf } from '../../proxy/upstream-http/http-route.ts'
import type { CredentialVault } from '../../vault/credential-vault.ts'
import { CredentialsProvider } from '../../vault/provider/credentials-provider.ts'

/** Declares the credential of one upstream, and serves its form. */
export function upstreamProvider(
  vault: CredentialVault,
  name: string,
  upstream: UpstreamConfig,
  files: UpstreamFiles,
): CredentialsProvider {
  const { provider = name, variables: _, ...options } = upstream.credential
  const given = { ...options, label: upstream.label }
  const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return new CredentialsProvider({
    ...settings,
    vault,
    name: provider,
    variables: variablesOf(upstream.credential),
    destinations: destinationsOf(upstream),
    connection: connectionOptionsOf(upstream, files),
  })
}
