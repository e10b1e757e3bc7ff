import { CredentialVaultError } from '../core/model/errors.ts'
import { isUrl } from '../core/model/url-value.ts'
import { isLoopback } from '../core/network/loopback.ts'
import type { BundleTier, ServerTier } from '../core/ports/store-keys.ts'
import { refuseSharedLog } from '../vault/environment/folders.ts'
import type { OpenVaultOptions } from '../vault/parts/open-vault-options.ts'

/**
 * Refuses options with which this process must not start as this tier.
 *
 * @param ownAudit whether the caller gave an audit log, so that the environment's is not used
 * @throws `configuration_invalid`
 */
export function refuseUnfitStart(
  options: OpenVaultOptions,
  { host, tier, ownAudit }: { readonly host: string; readonly tier: ServerTier; readonly ownAudit: boolean },
): void {
  refuseListeningWithoutLogin(options, host)
  if (tier === 'all') {
    refuseOneTiersKeys(options)
    return
  }
  refuseOwnMemory(options, tier)
  if (!ownAudit) refuseSharedLog(options.backend, process.env, tier)
}

/** @throws `configuration_invalid` for a bundle, with which this process could do half of its work */
function refuseOneTiersKeys({ backend }: OpenVaultOptions): void {
  if (backend.name !== 'sealed-file' || !backend.principals) return
  throw new CredentialVaultError(
    'configuration_invalid',
    'environment.MCP_VAULT_BUNDLE_FILE: it holds the keys of one tier. Add --tier form or --tier tool, or set MCP_VAULT_KEY_FILE instead.',
    { reason: 'bundle_tier' },
  )
}

function refuseOwnMemory({ pendingStore }: OpenVaultOptions, tier: BundleTier): void {
  if (pendingStore?.shared) return
  throw new CredentialVaultError(
    'configuration_invalid',
    `environment.MCP_PENDING_STORE: the ${tier} tier and the other one are two processes, and open requests in the memory of one are unknown to the other. Set a pending store that both share, such as redis.`,
    { reason: 'option' },
  )
}

/** Refuses to listen beyond this machine without a login, where every caller would act as the local user. */
function refuseListeningWithoutLogin({ identity, serverBaseUrl }: OpenVaultOptions, host: string): void {
  const listening = `http://${host.includes(':') ? `[${host}]` : host}`
  if (!isUrl(listening)) {
    throw new CredentialVaultError(
      'configuration_invalid',
      '--host is neither a host name nor an address. Correct it.',
      { reason: 'host' },
    )
  }
  const isLocal =
    identity === undefined || (!Array.isArray(identity) && 'mode' in identity && identity.mode === 'local-user')
  if (!isLocal || !isLoopback(new URL(serverBaseUrl)) || isLoopback(new URL(listening))) return
  throw new CredentialVaultError(
    'configuration_invalid',
    `There is no login, so anyone who can reach ${host} could act as the local user. Listen on 127.0.0.1, or set MCP_OIDC_ISSUER.`,
    { reason: 'local_user_host' },
  )
}
