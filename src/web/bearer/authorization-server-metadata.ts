import { formRoot } from '../../core/network/form-urls.ts'
import { basePathOf, ownIssuer } from '../../core/network/server-base-url.ts'
import type { BearerParts } from '../http/web-parts.ts'

const WELL_KNOWN = '/.well-known/oauth-authorization-server'

/**
 * Returns the document that describes this server as the authorization server of MCP clients (RFC 8414), and its paths. Undefined where
 * clients log in at the identity provider itself.
 */
export function authorizationServerMetadata({
  identity: { clientLogin },
  serverBaseUrl,
}: Pick<BearerParts, 'identity' | 'serverBaseUrl'>) {
  if (!clientLogin) return undefined
  const endpoint = (path: string) => serverBaseUrl.origin + formRoot(serverBaseUrl) + path
  const document = {
    issuer: ownIssuer(serverBaseUrl),
    authorization_endpoint: endpoint('/authorize'),
    token_endpoint: endpoint('/token'),
    registration_endpoint: endpoint('/register'),
    scopes_supported: clientLogin.scopes,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_methods_supported: ['none'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    ...(clientLogin.metadataHosts.length > 0 ? { client_id_metadata_document_supported: true } : {}),
  }
  return { paths: [WELL_KNOWN + basePathOf(serverBaseUrl)], body: JSON.stringify(document) }
}
