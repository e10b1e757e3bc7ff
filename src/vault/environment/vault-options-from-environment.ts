import { z } from 'zod'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { parseOptions } from '../../core/model/options.ts'
import { checkServerBaseUrl } from '../../core/network/server-base-url.ts'
import type { IdentityMode } from '../../core/ports/identity.ts'
import { localUser } from '../../identity/local-user.ts'
import { oidc } from '../../identity/oidc.ts'
import type { AdminOptions } from '../../web/admin/admin-options.ts'
import { type OpenVaultOptions, openVaultOptions } from '../parts/open-vault-options.ts'
import { CLIENT_LOGIN_PATHS, clientLoginFrom } from './client-login-from-environment.ts'
import { createStores, type StoresOptions } from './create-stores.ts'
import { fromVariables, namingVariables, withoutEmpty } from './environment.ts'
import { type VaultVariables, vaultVariables } from './known-variables.ts'

const VAULT_VARIABLES = {
  'openVault.webKey': 'MCP_WEB_KEY_FILE',
  'openVault.serverName': 'MCP_SERVER_NAME',
  'openVault.cacheSeconds': 'MCP_CACHE_SECONDS',
  'openVault.linkTtlSeconds': 'MCP_LINK_TTL_SECONDS',
  'openVault.sessionIdleSeconds': 'MCP_SESSION_IDLE_SECONDS',
  'openVault.sessionMaxSeconds': 'MCP_SESSION_MAX_SECONDS',
  'openVault.trustedProxies': 'MCP_TRUSTED_PROXIES',
  'openVault.allowedOrigins': 'MCP_ALLOWED_ORIGINS',
  'openVault.admin.scope': 'MCP_ADMIN_SCOPE',
  'openVault.admin.scim[0].issuer': 'MCP_SCIM_ISSUER',
  'openVault.admin.scim[0].tokenFile': 'MCP_SCIM_TOKEN_FILE',
  'openVault.rateLimits.pagesPerMinute': 'MCP_PAGES_PER_MINUTE',
  'openVault.rateLimits.loginsPerMinute': 'MCP_LOGINS_PER_MINUTE',
  'openVault.rateLimits.submitsPerMinute': 'MCP_SUBMITS_PER_MINUTE',
} as const

const IDENTITY_VARIABLES = {
  ...CLIENT_LOGIN_PATHS,
  'localUser.name': 'MCP_LOCAL_USER',
  'localUser.accessToken': 'MCP_LOCAL_ACCESS_TOKEN',
  'oidc.issuer': 'MCP_OIDC_ISSUER',
  'oidc.clientId': 'MCP_OIDC_CLIENT_ID',
  'oidc.displayName': 'MCP_OIDC_DISPLAY_NAME',
  'oidc.clientSecretFile': 'MCP_OIDC_CLIENT_SECRET_FILE',
  'oidc.audience': 'MCP_OIDC_AUDIENCE',
  'oidc.scopes': 'MCP_OIDC_SCOPES',
  'oidc.subjectClaim': 'MCP_OIDC_SUBJECT_CLAIM',
  'oidc.idTokenSubjectClaim': 'MCP_OIDC_ID_TOKEN_SUBJECT_CLAIM',
  'oidc.issuerAliases': 'MCP_OIDC_ISSUER_ALIASES',
  'oidc.algorithms': 'MCP_OIDC_ALGORITHMS',
  'oidc.maxAuthAgeSeconds': 'MCP_OIDC_MAX_AUTH_AGE_SECONDS',
  'oidc.acrValues': 'MCP_OIDC_ACR_VALUES',
} as const

/**
 * Returns the options of `openVault` from the environment: `docs/configuration.md` lists the variables. `given` overrides them. Functions,
 * and options of `oidc` that weaken it, can be set in code only.
 *
 * @throws `configuration_invalid`, naming the variable
 */
export function vaultOptionsFromEnvironment(
  environment: NodeJS.ProcessEnv = process.env,
  given: Partial<OpenVaultOptions> = {},
  stores: StoresOptions = {},
): OpenVaultOptions {
  const { serverBaseUrl } = given
  const settings = parseOptions(
    vaultVariables,
    {
      ...withoutEmpty(environment),
      ...(serverBaseUrl !== undefined && { MCP_SERVER_BASE_URL: String(serverBaseUrl) }),
    },
    'environment',
  )
  if (serverBaseUrl === undefined) refuseMcpUrl(settings.MCP_SERVER_BASE_URL)
  const identity = fromVariables(IDENTITY_VARIABLES, () => identityFrom(settings, withoutEmpty(environment)))
  const options: OpenVaultOptions = {
    ...createStores(environment, stores),
    serverBaseUrl: settings.MCP_SERVER_BASE_URL,
    ...(identity && { identity }),
    ...present('serverName', settings.MCP_SERVER_NAME),
    ...present('cacheSeconds', settings.MCP_CACHE_SECONDS),
    ...present('linkTtlSeconds', settings.MCP_LINK_TTL_SECONDS),
    ...present('sessionIdleSeconds', settings.MCP_SESSION_IDLE_SECONDS),
    ...present('sessionMaxSeconds', settings.MCP_SESSION_MAX_SECONDS),
    ...present('trustedProxies', settings.MCP_TRUSTED_PROXIES),
    ...present('allowedOrigins', settings.MCP_ALLOWED_ORIGINS),
    ...present('admin', adminFrom(settings)),
    ...present('hstsIncludeSubdomains', flag(settings.MCP_HSTS_INCLUDE_SUBDOMAINS)),
    rateLimits: {
      ...present('pagesPerMinute', settings.MCP_PAGES_PER_MINUTE),
      ...present('loginsPerMinute', settings.MCP_LOGINS_PER_MINUTE),
      ...present('submitsPerMinute', settings.MCP_SUBMITS_PER_MINUTE),
    },
    ...given,
  }
  const fromCode = Object.keys(given).map((option) => `openVault.${option}`)
  const named = Object.entries(VAULT_VARIABLES).filter(([path]) => !fromCode.some((option) => path.startsWith(option)))
  fromVariables(Object.fromEntries(named), () => parseOptions(openVaultOptions, options, 'openVault'))
  return options
}

/** Operators paste the URL that MCP clients use, below which clients and users would look for everything in vain. */
function refuseMcpUrl(text: string): void {
  const option = 'environment.MCP_SERVER_BASE_URL'
  if (!checkServerBaseUrl(text, option).pathname.endsWith('/mcp')) return
  throw new CredentialVaultError(
    'configuration_invalid',
    `${option}: it ends in /mcp, which is the URL for MCP clients. Set the same URL without /mcp at its end; the server adds that itself.`,
    { reason: 'server_base_url' },
  )
}

/** Turns an error of `openVault` or of a tier, with options from the environment, into one that names the operator's variable. */
export function errorOfEnvironment(environment: NodeJS.ProcessEnv, error: unknown): unknown {
  const { MCP_ADMIN_SCOPE } = withoutEmpty(environment)
  const admin = MCP_ADMIN_SCOPE === undefined ? 'MCP_SCIM_TOKEN_FILE' : 'MCP_ADMIN_SCOPE'
  const ofVault = Object.entries({ ...VAULT_VARIABLES, 'openVault.admin': admin })
  const ofOpeners = ['openVault', 'openFormTier', 'openToolTier'].flatMap((opener) =>
    ofVault.map(([path, variable]) => [path.replace('openVault', opener), variable] as const),
  )
  return namingVariables({ ...Object.fromEntries(ofOpeners), ...IDENTITY_VARIABLES }, error)
}

function identityFrom(settings: VaultVariables, environment: NodeJS.ProcessEnv): IdentityMode | undefined {
  const mode = settings.MCP_IDENTITY ?? modeMeant(Object.keys(environment))
  if (mode === undefined) return undefined
  if (mode === 'local-user') {
    return localUser({
      ...present('name', settings.MCP_LOCAL_USER),
      ...present('accessToken', settings.MCP_LOCAL_ACCESS_TOKEN),
    })
  }
  const { MCP_OIDC_ISSUER: issuer, MCP_OIDC_CLIENT_ID: clientId } = parseOptions(oidcSchema, settings, 'environment')
  return oidc({
    issuer,
    clientId,
    ...present('displayName', settings.MCP_OIDC_DISPLAY_NAME),
    ...present('clientSecretFile', settings.MCP_OIDC_CLIENT_SECRET_FILE),
    ...present('audience', settings.MCP_OIDC_AUDIENCE),
    ...present('scopes', settings.MCP_OIDC_SCOPES),
    ...present('subjectClaim', settings.MCP_OIDC_SUBJECT_CLAIM),
    ...present('idTokenSubjectClaim', settings.MCP_OIDC_ID_TOKEN_SUBJECT_CLAIM),
    ...present('issuerAliases', settings.MCP_OIDC_ISSUER_ALIASES),
    ...present('algorithms', settings.MCP_OIDC_ALGORITHMS),
    ...present('maxAuthAgeSeconds', settings.MCP_OIDC_MAX_AUTH_AGE_SECONDS),
    ...present('acrValues', settings.MCP_OIDC_ACR_VALUES),
    ...present('clientLogin', clientLoginFrom(settings)),
  })
}

/** Any of its variables turns the admin API on. */
function adminFrom({
  MCP_ADMIN_SCOPE: scope,
  MCP_SCIM_ISSUER,
  MCP_OIDC_ISSUER,
  MCP_SCIM_SUBJECT_FROM: subjectFrom,
  MCP_SCIM_TOKEN_FILE: tokenFile,
}: VaultVariables): AdminOptions | undefined {
  const wantsScim = [MCP_SCIM_ISSUER, subjectFrom, tokenFile].some((value) => value !== undefined)
  if (!wantsScim) return scope === undefined ? undefined : { scope }
  const issuer = MCP_SCIM_ISSUER ?? MCP_OIDC_ISSUER
  if (issuer === undefined || subjectFrom === undefined || tokenFile === undefined) {
    throw new CredentialVaultError(
      'configuration_invalid',
      'environment.MCP_SCIM_TOKEN_FILE: SCIM needs MCP_SCIM_TOKEN_FILE, MCP_SCIM_SUBJECT_FROM, and MCP_SCIM_ISSUER or MCP_OIDC_ISSUER. Set all, or none.',
      { reason: 'option' },
    )
  }
  return { ...present('scope', scope), scim: { issuer, subjectFrom, tokenFile } }
}

/** A variable of a mode selects that mode. If the issuer is missing, oidc is an error and never falls back to the local user. */
function modeMeant(names: readonly string[]): VaultVariables['MCP_IDENTITY'] {
  const oidcMeant = names.some((name) => name.startsWith('MCP_OIDC_'))
  const localMeant = names.some((name) => name.startsWith('MCP_LOCAL_'))
  if (oidcMeant && localMeant) {
    throw new CredentialVaultError(
      'configuration_invalid',
      'environment.MCP_IDENTITY: variables of both oidc (MCP_OIDC_…) and local-user (MCP_LOCAL_…) are set. Set MCP_IDENTITY to one of the two, or unset the others.',
      { reason: 'option' },
    )
  }
  if (oidcMeant) return 'oidc'
  return localMeant ? 'local-user' : undefined
}

const oidcSchema = z.object({
  MCP_OIDC_ISSUER: z.string({ error: 'oidc needs the issuer URL of your identity provider' }),
  MCP_OIDC_CLIENT_ID: z.string({ error: 'oidc needs the client id that the form signs people in with' }),
})

function flag(text: 'true' | 'false' | undefined): boolean | undefined {
  return text === undefined ? undefined : text === 'true'
}

function present<K extends string, T>(key: K, value: T | undefined): { [key in K]?: T } {
  // Only one key, and it is K.
  return value === undefined ? {} : ({ [key]: value } as { [key in K]: T })
}
