import { z } from 'zod'
import { readJsonBody } from '../../core/network/json-body.ts'
import { isPermitted, MAX_REDIRECT_URI } from '../client-state/redirect-uri.ts'
import { type OAuthAnswer, type OAuthHandler, oauthRateLimit, refusal } from './oauth-answer.ts'
import { clientName, sealRegistration } from './registration.ts'

const MAX_BODY_BYTES = 16_384
/** All redirect URIs of a client, in characters: its client id holds them, and is part of URLs. */
const MAX_REDIRECT_URIS = 2_000

const bodySchema = z.looseObject({
  redirect_uris: z.array(z.string().max(MAX_REDIRECT_URI)).min(1).max(10),
  client_name: z.string().max(1_000).optional().catch(undefined),
  grant_types: z.array(z.string()).optional(),
  response_types: z.array(z.string()).optional(),
})

/**
 * Registers a client (RFC 7591) and keeps nothing of it: its client id is the registration, sealed. Every client is public, whatever it asks
 * for.
 */
export const register: OAuthHandler = async (services, request, { login }): Promise<OAuthAnswer> => {
  const limited = await oauthRateLimit(services, request)
  if (limited) return limited
  const { req } = request.ctx
  const body = await readJsonBody(req, MAX_BODY_BYTES)
  if (body === 'aborted') return refusal(400, 'invalid_client_metadata', 'The request was broken off.')
  if (body.problem) {
    const { status, message } = body.problem
    return { ...refusal(status, 'invalid_client_metadata', message), headers: { Connection: 'close' } }
  }
  const parsed = bodySchema.safeParse(body.value)
  if (!parsed.success) {
    const members = [...new Set(parsed.error.issues.map(({ path }) => String(path[0] ?? 'the body')))].join(', ')
    return refusal(400, 'invalid_client_metadata', `Missing, too long or of the wrong type: ${members}.`)
  }
  const { redirect_uris: redirectUris, client_name, grant_types, response_types } = parsed.data
  if (grant_types?.includes('authorization_code') === false || response_types?.includes('code') === false) {
    return refusal(400, 'invalid_client_metadata', 'Only the authorization code flow is offered.')
  }
  if (!redirectUris.every((uri) => isPermitted(uri, login.redirectUris)))
    return refusal(400, 'invalid_redirect_uri', NOT_LISTED)
  if (redirectUris.join('').length > MAX_REDIRECT_URIS) {
    return refusal(400, 'invalid_redirect_uri', 'The redirect URIs are too long together.')
  }
  const name = clientName(client_name)
  return {
    status: 201,
    body: {
      client_id: sealRegistration(services, { redirectUris, ...(name === undefined ? {} : { name }) }),
      client_id_issued_at: Math.floor(Date.now() / 1000),
      redirect_uris: redirectUris,
      ...(name === undefined ? {} : { client_name: name }),
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
  }
}

const NOT_LISTED =
  'A redirect URI is neither http on loopback nor one that the operator of this server has listed (oidc.clientLogin.redirectUris).'
