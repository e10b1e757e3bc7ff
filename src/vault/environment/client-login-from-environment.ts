import { z } from 'zod'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { ClientLoginOptions } from '../../identity/client-login/client-login-options.ts'
import { wholeNumber, words } from './environment.ts'

/** Pairs of a name and what it stands for, each `name=text`. A name that occurs twice stands for both texts. */
const pairs = words.transform((entries, context) => {
  const found = new Map<string, string>()
  for (const entry of entries) {
    const [name = '', ...rest] = entry.split('=')
    const text = rest.join('=')
    if (name === '' || text === '') {
      context.addIssue({ code: 'custom', message: 'must be pairs such as mcp=api://tickets/mcp, separated by blanks' })
      return z.NEVER
    }
    const former = found.get(name)
    found.set(name, former === undefined ? text : `${former} ${text}`)
  }
  return Object.fromEntries(found)
})

/** The variables of `oidc({ clientLogin })`. */
export const clientLoginVariables = {
  MCP_OIDC_CLIENT_LOGIN: z.enum(['true', 'false']).optional(),
  MCP_OIDC_CLIENT_LOGIN_CLIENT_ID: z.string().optional(),
  MCP_OIDC_CLIENT_LOGIN_CLIENT_SECRET_FILE: z.string().optional(),
  MCP_OIDC_CLIENT_LOGIN_REDIRECT_URIS: words.optional(),
  MCP_OIDC_CLIENT_LOGIN_METADATA_HOSTS: words.optional(),
  MCP_OIDC_CLIENT_LOGIN_SCOPES: pairs.optional(),
  MCP_OIDC_CLIENT_LOGIN_RESOURCE: z.enum(['drop', 'pass']).optional(),
  MCP_OIDC_CLIENT_LOGIN_PARAMETERS: pairs.optional(),
  MCP_OIDC_CLIENT_LOGIN_REMEMBER_DAYS: wholeNumber.optional(),
}

/** The variables by the option's path in errors. */
export const CLIENT_LOGIN_PATHS = {
  'oidc.clientLogin.clientId': 'MCP_OIDC_CLIENT_LOGIN_CLIENT_ID',
  'oidc.clientLogin.clientSecretFile': 'MCP_OIDC_CLIENT_LOGIN_CLIENT_SECRET_FILE',
  'oidc.clientLogin.redirectUris': 'MCP_OIDC_CLIENT_LOGIN_REDIRECT_URIS',
  'oidc.clientLogin.metadataHosts': 'MCP_OIDC_CLIENT_LOGIN_METADATA_HOSTS',
  'oidc.clientLogin.scopes': 'MCP_OIDC_CLIENT_LOGIN_SCOPES',
  'oidc.clientLogin.resource': 'MCP_OIDC_CLIENT_LOGIN_RESOURCE',
  'oidc.clientLogin.authorizationParameters': 'MCP_OIDC_CLIENT_LOGIN_PARAMETERS',
  'oidc.clientLogin.rememberConsentDays': 'MCP_OIDC_CLIENT_LOGIN_REMEMBER_DAYS',
  'oidc.clientLogin': 'MCP_OIDC_CLIENT_LOGIN',
} as const

type Settings = z.output<z.ZodObject<typeof clientLoginVariables>>

/** @throws `configuration_invalid` for a variable without the one that turns the login on */
export function clientLoginFrom(settings: Settings): ClientLoginOptions | undefined {
  const given: ClientLoginOptions = {
    clientId: settings.MCP_OIDC_CLIENT_LOGIN_CLIENT_ID,
    clientSecretFile: settings.MCP_OIDC_CLIENT_LOGIN_CLIENT_SECRET_FILE,
    redirectUris: settings.MCP_OIDC_CLIENT_LOGIN_REDIRECT_URIS,
    metadataHosts: settings.MCP_OIDC_CLIENT_LOGIN_METADATA_HOSTS,
    scopes: settings.MCP_OIDC_CLIENT_LOGIN_SCOPES,
    resource: settings.MCP_OIDC_CLIENT_LOGIN_RESOURCE,
    authorizationParameters: settings.MCP_OIDC_CLIENT_LOGIN_PARAMETERS,
    rememberConsentDays: settings.MCP_OIDC_CLIENT_LOGIN_REMEMBER_DAYS,
  }
  if (settings.MCP_OIDC_CLIENT_LOGIN === 'true') return given
  if (settings.MCP_OIDC_CLIENT_LOGIN === 'false' || Object.values(given).every((value) => value === undefined)) {
    return undefined
  }
  throw new CredentialVaultError(
    'configuration_invalid',
    'environment.MCP_OIDC_CLIENT_LOGIN: a variable that begins with MCP_OIDC_CLIENT_LOGIN_ is set, but the login of MCP clients is not on. Set MCP_OIDC_CLIENT_LOGIN=true, or unset the variable.',
    { reason: 'option' },
  )
}
