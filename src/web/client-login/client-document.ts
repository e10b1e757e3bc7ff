import { z } from 'zod'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { parseUntrustedJson } from '../../core/model/json.ts'
import { isLoopbackUri, isPermitted } from '../client-state/redirect-uri.ts'
import type { PageServices } from '../request/page-services.ts'
import { clientName, type Registration } from './registration.ts'

const documentSchema = z.looseObject({
  client_id: z.string(),
  client_name: z.string().min(1),
  redirect_uris: z.array(z.string()).min(1).max(100),
  // A client with a key of its own relies on being asked for it, which this server does not do.
  token_endpoint_auth_method: z.literal('none').optional(),
})

/**
 * Reads a Client ID Metadata Document (draft-ietf-oauth-client-id-metadata-document) from a host that the operator listed. Its redirect
 * URIs count if they are on loopback, at the document's own origin, or listed.
 *
 * @throws `destination_refused` or `unavailable`
 */
export async function readClientDocument({ parts }: PageServices, clientId: string): Promise<Registration | undefined> {
  const { readClientDocument: read, identity } = parts
  if (!read || !identity.clientLogin) return undefined
  const document = documentSchema.safeParse(parsed(await read(clientId)))
  if (!document.success || document.data.client_id !== clientId) throw unusable()
  const { origin } = new URL(clientId)
  const listed = identity.clientLogin.redirectUris
  const redirectUris = document.data.redirect_uris.filter(
    (uri) => isLoopbackUri(uri) || uri.startsWith(`${origin}/`) || isPermitted(uri, listed),
  )
  return { redirectUris, name: clientName(document.data.client_name) }
}

function parsed(text: string): unknown {
  try {
    return parseUntrustedJson(text)
  } catch {
    return undefined
  }
}

function unusable(): CredentialVaultError {
  return new CredentialVaultError('destination_refused', "The client's metadata document does not describe it.", {
    reason: 'answer',
  })
}
