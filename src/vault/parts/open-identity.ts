import { CredentialVaultError } from '../../core/model/errors.ts'
import { loginCallbackUrl } from '../../core/network/form-urls.ts'
import { isLoopback } from '../../core/network/loopback.ts'
import type { Identity, IdentityMode } from '../../core/ports/identity.ts'
import { localUser } from '../../identity/local-user.ts'
import { severalIssuers } from '../../identity/several-issuers.ts'
import type { OpenVaultOptions } from './open-vault-options.ts'

export interface IdentityParts {
  readonly serverBaseUrl: URL
  /** The function that was called, for the options' paths in errors, e.g. `openVault`. */
  readonly caller: string
  readonly warn: (message: string) => void
}

/**
 * Opens the identity mode, or several together, and asks each identity provider for its metadata. A provider that does not answer is a
 * warning.
 *
 * @throws `configuration_invalid` if a provider's metadata does not fit the options, or none is set off loopback
 */
export async function openIdentity(
  given: OpenVaultOptions['identity'],
  { serverBaseUrl, caller, warn }: IdentityParts,
): Promise<Identity> {
  const mode = identityMode(given, serverBaseUrl, `${caller}.identity`)
  return mode.open({ serverBaseUrl, callbackUrl: loginCallbackUrl(serverBaseUrl), warn })
}

function identityMode(given: OpenVaultOptions['identity'], serverBaseUrl: URL, option: string): IdentityMode {
  if (given !== undefined) return 'open' in given ? given : severalIssuers(given, option)
  if (isLoopback(serverBaseUrl)) return localUser()
  throw new CredentialVaultError(
    'configuration_invalid',
    `${option}: it is required, because this server is not on loopback: users must sign in before they submit the form. ` +
      'Set oidc({ issuer, clientId }), or localUser() for one person on http://localhost.',
    { reason: 'identity_missing' },
  )
}
