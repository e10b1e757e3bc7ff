import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { fileLabel } from '../core/host/shown-path.ts'
import { CredentialVaultError, isCredentialVaultError } from '../core/model/errors.ts'
import { parseOptions } from '../core/model/options.ts'
import { ownIssuer, urlBelow } from '../core/network/server-base-url.ts'
import type {
  BrowserLogin,
  Identity,
  IdentityContext,
  IdentityMode,
  ResourceDescription,
  VerifyToken,
} from '../core/ports/identity.ts'
import { accessTokenVerifier, isJwt } from './access-token/access-token.ts'
import { type IntrospectionClient, introspectedToken } from './access-token/introspection.ts'
import { rememberTokens } from './access-token/remembered-tokens.ts'
import { type ClientLoginSettings, oidcClientLogin } from './client-login/client-login.ts'
import { issuerUnavailable } from './issuer/issuer-document.ts'
import { checkIssuerKeys, issuerKeys } from './issuer/issuer-keys.ts'
import { type IssuerMetadata, issuerMetadata } from './issuer/issuer-metadata.ts'
import { namingIssuer } from './issuer/issuer-outage.ts'
import { oidcBrowserLogin } from './login/browser-login.ts'
import { type OidcOptions, oidcOptions } from './oidc-options.ts'

export type { OidcOptions }

/**
 * Identifies users by an OpenID Connect provider. Access tokens are verified as JWTs (RFC 9068), and users of the form sign in with the
 * code flow at the same issuer. Owner: the configured issuer and the value of `subjectClaim`.
 *
 * `open()` throws `configuration_invalid` when the provider's metadata does not match the configuration. When the provider does not answer,
 * the vault opens with a warning, and tokens and logins are `unavailable` until it does.
 *
 * @throws `configuration_invalid` for wrong options, with their paths
 * @example
 * ```ts
 * import { oidc } from 'mcp-credential-vault'
 *
 * const identity = oidc({ issuer: 'https://login.example.com', clientId: 'mcp-form', scopes: ['mcp'] })
 * ```
 */
export function oidc(options: OidcOptions): IdentityMode {
  const settings = parseOptions(oidcOptions, options, 'oidc')
  return {
    mode: 'oidc',
    async open(context): Promise<Identity> {
      const { introspection } = settings
      const discover = issuerMetadata({
        issuer: settings.issuer,
        allowHttp: settings.dangerouslyAllowHttpIssuer,
        introspects: introspection !== undefined,
        requiresPkce: settings.clientLogin !== undefined,
      })
      const clientSecret =
        settings.clientSecretFile === undefined
          ? settings.clientSecret
          : secretFromFile('oidc', settings.clientSecretFile)
      const introspectionClient = introspection && clientOfIntrospection(introspection)
      if (settings.dangerouslyAllowHttpIssuer) {
        context.warn(
          'oidc.dangerouslyAllowHttpIssuer is on: everyone on the path to the identity provider can sign in as anyone.',
        )
      }
      await checkIssuer(discover, settings.issuer, context)
      const metadata = duringService(discover, context)
      const keys = issuerKeys(metadata)
      const resource = resourceDescription(settings, context.serverBaseUrl)
      const accessToken = { ...settings, audience: settings.audience ?? resource.resource }
      const verifyJwt = rememberTokens(accessTokenVerifier(accessToken, keys.verifySigned), {
        milliseconds: settings.rememberTokenSeconds * 1000,
        verifiedWith: keys.current,
      })
      const lookUp =
        introspectionClient &&
        rememberTokens(introspectedToken(accessToken, introspectionClient, metadata), {
          milliseconds: introspection.cacheSeconds * 1000,
        })
      const verify = lookUp ? byForm(verifyJwt, lookUp) : verifyJwt
      const login = oidcBrowserLogin(
        {
          ...settings,
          displayName: settings.displayName,
          clientSecret,
          callbackUrl: context.callbackUrl,
          idTokenSubjectClaim: settings.idTokenSubjectClaim ?? settings.subjectClaim,
          maxAuthAgeSeconds: settings.maxAuthAgeSeconds,
        },
        metadata,
        keys.verifySigned,
      )
      const named = namingIssuer(settings.issuer)
      const forClients = clientLoginSettings(settings, { clientSecret, resource, callbackUrl: context.callbackUrl })
      return {
        verifyToken: async (token) => named(verify(token)),
        browserLogin: namedLogin(login, named),
        resource,
        ...(forClients && { clientLogin: oidcClientLogin(forClients, { metadata, named, warn: context.warn }) }),
        issuers: [settings.issuer, ...settings.issuerAliases],
        ownerIssuers: [settings.issuer],
        check: () => named(checkIssuerKeys(metadata)),
        looksUpTokens: introspection !== undefined,
        ...(settings.dangerouslyAllowHttpIssuer && { banner: HTTP_ISSUER }),
      }
    },
  }
}

function namedLogin(login: BrowserLogin, named: ReturnType<typeof namingIssuer>): BrowserLogin {
  return {
    ...login,
    begin: (options) => named(login.begin(options)),
    complete: (callbackUrl, transaction) => named(login.complete(callbackUrl, transaction)),
  }
}

const HTTP_ISSUER =
  'The connection to the identity provider is not encrypted: an attacker on the network could sign in as you.'

/** Looks up opaque tokens only. A JWT must never be sent to an issuer that did not issue it, so it is verified by signature alone. */
function byForm(verifyJwt: VerifyToken, lookUp: VerifyToken): VerifyToken {
  return (token) => (isJwt(token) ? verifyJwt(token) : lookUp(token))
}

async function checkIssuer(
  discover: () => Promise<IssuerMetadata>,
  issuer: string,
  context: IdentityContext,
): Promise<void> {
  try {
    const metadata = await discover()
    if (metadata.code_challenge_methods_supported?.includes('S256') !== true) {
      context.warn(
        `The identity provider ${issuer} does not say that it supports PKCE with S256; the logins of the form rely on the nonce alone.`,
      )
    }
    if (context.several && metadata.authorization_response_iss_parameter_supported !== true) {
      context.warn(
        `The identity provider ${issuer} does not put its name into its answers (RFC 9207). Another one of those configured could send a login there and be given its code.`,
      )
    }
  } catch (error) {
    if (!isCredentialVaultError(error, 'unavailable')) throw error
    context.warn(
      `The identity provider ${issuer} does not answer. Nobody can sign in until it does; it is asked again at the next request.`,
    )
  }
}

/** Turns a wrong configuration into `unavailable`. After the opening, callers expect a valid, an invalid or an unavailable result. */
function duringService(
  discover: () => Promise<IssuerMetadata>,
  context: IdentityContext,
): () => Promise<IssuerMetadata> {
  let warning: string | undefined
  return async () => {
    try {
      return await discover()
    } catch (error) {
      if (!isCredentialVaultError(error, 'configuration_invalid')) throw error
      if (warning !== error.message) context.warn(error.message)
      warning = error.message
      throw issuerUnavailable('misconfigured')
    }
  }
}

/** RFC 9728 demands a URL as resource, even if the provider's audiences are no URLs (Entra's are GUIDs). */
function resourceDescription(
  settings: Pick<OidcSettings, 'audience' | 'issuer' | 'scopes' | 'clientLogin'>,
  serverBaseUrl: URL,
): ResourceDescription {
  const standard = urlBelow(serverBaseUrl, '/mcp').href
  const isUrl = settings.audience !== undefined && /^https?:\/\//.test(settings.audience)
  return {
    resource: isUrl ? (settings.audience ?? standard) : standard,
    authorizationServers: [settings.clientLogin ? ownIssuer(serverBaseUrl) : settings.issuer],
    scopes: settings.scopes,
  }
}

type OidcSettings = z.output<typeof oidcOptions>

function clientOfIntrospection({
  clientId,
  clientSecret,
  clientSecretFile = '',
}: NonNullable<OidcSettings['introspection']>): IntrospectionClient {
  return { clientId, clientSecret: clientSecret ?? secretFromFile('oidc.introspection', clientSecretFile) }
}

function clientLoginSettings(
  { issuer, displayName, clientId, scopes, clientLogin }: OidcSettings,
  given: {
    readonly clientSecret: string | undefined
    readonly resource: ResourceDescription
    readonly callbackUrl: URL
  },
): ClientLoginSettings | undefined {
  if (!clientLogin) return undefined
  const { resource, ...login } = clientLogin
  const ownSecret =
    login.clientSecretFile === undefined
      ? login.clientSecret
      : secretFromFile('oidc.clientLogin', login.clientSecretFile)
  const client =
    login.clientId === undefined
      ? { clientId, clientSecret: given.clientSecret }
      : { clientId: login.clientId, clientSecret: ownSecret }
  return {
    ...login,
    issuer,
    displayName,
    client,
    callbackUrl: given.callbackUrl,
    requiredScopes: scopes,
    scopes: login.scopes,
    resource: resource === 'pass' ? given.resource.resource : undefined,
  }
}

function secretFromFile(option: string, path: string): string {
  const wrong = (problem: string) => {
    const label = fileLabel(`${option}.clientSecretFile`, path)
    return new CredentialVaultError('configuration_invalid', `${label}: the file ${problem}.`, { reason: 'file' })
  }
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch {
    throw wrong('cannot be read')
  }
  if (text === '') throw wrong('is empty')
  return text
}
