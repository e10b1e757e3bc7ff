import { z } from 'zod'
import type { IdentityProviderReason } from '../../core/model/error-reason.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { parsedUrl } from '../../core/model/url-value.ts'
import { isHttpsOrLoopback } from '../../core/network/loopback.ts'
import { readIssuerDocument } from './issuer-document.ts'
import { withRecentFailure } from './recent-failure.ts'

/** The used parts of the issuer's metadata (RFC 8414 §2, OpenID Connect Discovery 1.0 §3). */
export type IssuerMetadata = z.output<ReturnType<typeof metadataSchema>>

export interface IssuerSettings {
  /** Exactly as in tokens and in the issuer's own metadata. */
  readonly issuer: string
  /** Accepts http endpoints off loopback. */
  readonly allowHttp: boolean
  /** Refuses an issuer without an introspection endpoint. */
  readonly introspects?: boolean
  /** Refuses an issuer that does not announce PKCE with S256. */
  readonly requiresPkce?: boolean
}

/**
 * Finds the issuer's endpoints and keeps them. A failure is kept for a second; then the next call asks again.
 *
 * @returns a function that throws `configuration_invalid` when the issuer's answer does not match the configuration, and `unavailable` when
 * it does not answer
 */
export function issuerMetadata(settings: IssuerSettings): () => Promise<IssuerMetadata> {
  const ask = withRecentFailure(() => discover(settings))
  let discovery: Promise<IssuerMetadata> | undefined
  return () => {
    discovery ??= ask().catch((error: unknown) => {
      discovery = undefined
      throw error
    })
    return discovery
  }
}

/** Reads the RFC 8414 document first, as MCP clients do. It is used only if it describes exactly this issuer, and completely. */
async function discover(settings: IssuerSettings): Promise<IssuerMetadata> {
  const problems: CredentialVaultError[] = []
  for (const url of wellKnownUrls(settings.issuer)) {
    try {
      const document = await readIssuerDocument(url)
      if (document !== undefined) return checkMetadata(document, settings)
    } catch (error) {
      if (!isCredentialVaultError(error)) throw error
      problems.push(error)
    }
  }
  throw (
    problems.find((problem) => problem.code === 'unavailable') ??
    problems.at(-1) ??
    misconfigured(
      'metadata_missing',
      `There is no identity provider at ${settings.issuer}: neither ${wellKnownUrls(settings.issuer).join(' nor ')} answers with JSON. Check oidc.issuer.`,
    )
  )
}

/** RFC 8414 §3.1 puts the well-known part before the issuer's path, OpenID Connect Discovery 1.0 §4.1 puts it after. */
function wellKnownUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ]
}

function checkMetadata(document: unknown, settings: IssuerSettings): IssuerMetadata {
  const result = metadataSchema(settings.allowHttp).safeParse(document)
  if (!result.success) {
    const members = new Set(result.error.issues.map((issue) => issue.path.join('.') || 'the document'))
    throw misconfigured(
      'metadata_invalid',
      `The metadata of ${settings.issuer} cannot be used; missing, of the wrong type or not an https URL: ${[...members].join(', ')}.`,
    )
  }
  if (result.data.issuer !== settings.issuer) {
    throw misconfigured(
      'issuer_mismatch',
      `oidc.issuer is ${settings.issuer}, but the metadata there names the issuer ${printable(result.data.issuer)}. Both must be identical, character by character.`,
    )
  }
  if (settings.introspects && result.data.introspection_endpoint === undefined) {
    throw misconfigured(
      'introspection_missing',
      `The metadata of ${settings.issuer} names no introspection_endpoint, so opaque tokens cannot be verified there. Remove oidc.introspection, or enable introspection at the identity provider.`,
    )
  }
  if (settings.requiresPkce && result.data.code_challenge_methods_supported?.includes('S256') !== true) {
    throw misconfigured(
      'pkce_missing',
      `The metadata of ${settings.issuer} does not announce PKCE with S256 (code_challenge_methods_supported). A client's login is bound to its code by PKCE, so another person's code could be put into it. Enable PKCE at the identity provider, or remove oidc.clientLogin.`,
    )
  }
  return result.data
}

function metadataSchema(allowHttp: boolean) {
  const endpoint = z.string().refine((text) => isSafeEndpoint(text, allowHttp))
  return z.object({
    issuer: z.string(),
    jwks_uri: endpoint,
    authorization_endpoint: endpoint,
    token_endpoint: endpoint,
    // Few configurations need it, so an unusable endpoint counts as absent.
    introspection_endpoint: endpoint.optional().catch(undefined),
    code_challenge_methods_supported: z.array(z.string()).optional(),
    token_endpoint_auth_methods_supported: z.array(z.string()).optional(),
    id_token_signing_alg_values_supported: z.array(z.string()).optional(),
    authorization_response_iss_parameter_supported: z.boolean().optional(),
  })
}

function isSafeEndpoint(text: string, allowHttp: boolean): boolean {
  const url = parsedUrl(text)
  if (!url) return false
  return isHttpsOrLoopback(url) || (allowHttp && url.protocol === 'http:')
}

function misconfigured(reason: IdentityProviderReason, message: string): CredentialVaultError {
  return new CredentialVaultError('configuration_invalid', message, { reason })
}

/** Makes text of the identity provider safe for the operator's terminal. */
function printable(text: string): string {
  return text.slice(0, 255).replace(/[^\x20-\x7E]/g, '?')
}
