import { type JWTPayload, UnsecuredJWT } from 'jose'
import { z } from 'zod'
import { MAX_ACCESS_TOKEN_LENGTH, type VerifyToken } from '../../core/ports/identity.ts'
import { accessTokenRefusal, problemOf } from '../claims/token-problem.ts'
import { basicAuthorization } from '../issuer/basic-authorization.ts'
import { issuerUnavailable, readIssuerAnswer } from '../issuer/issuer-document.ts'
import type { IssuerMetadata } from '../issuer/issuer-metadata.ts'
import { type AccessTokenSettings, checkedClaims, principalOf } from './access-token.ts'

export interface IntrospectionClient {
  readonly clientId: string
  readonly clientSecret: string
}

const answerSchema = z.looseObject({ active: z.boolean(), token_type: z.string().optional() })

/**
 * Verifies opaque access tokens by asking the issuer (RFC 7662). An active token's claims are checked like a JWT's: `iss`, `aud`, `exp`,
 * `nbf` and the subject must be present and correct, since an issuer also knows tokens for other services.
 *
 * @returns a function that throws `token_invalid` with a reason, or `unavailable` when the issuer gives no usable answer
 */
export function introspectedToken(
  settings: AccessTokenSettings,
  { clientId, clientSecret }: IntrospectionClient,
  metadata: () => Promise<IssuerMetadata>,
): VerifyToken {
  const authorization = basicAuthorization(clientId, clientSecret)
  return async (token) => {
    if (token.length > MAX_ACCESS_TOKEN_LENGTH) throw accessTokenRefusal('too_long')
    const { introspection_endpoint: endpoint } = await metadata()
    if (endpoint === undefined) throw issuerUnavailable('introspection_missing')
    const answer = await readIssuerAnswer(endpoint, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    })
    if (answer.status === 401 || answer.status === 403) throw issuerUnavailable('client_refused')
    const parsed = answerSchema.safeParse(answer.json)
    if (answer.status !== 200 || !parsed.success) throw issuerUnavailable('answer')
    const { active, token_type: type, ...claims } = parsed.data
    if (!active) throw accessTokenRefusal('inactive')
    // RFC 9449 §6.2: a token of type DPoP is bound to a key, like one with `cnf`.
    if (type?.toLowerCase() === 'dpop') throw accessTokenRefusal('bound_token')
    if (type !== undefined && type.toLowerCase() !== 'bearer') throw accessTokenRefusal('type')
    return principalOf(checked(claims, settings), settings)
  }
}

/** jose checks claims of JWTs only. Making one of the answer applies exactly the same rules. */
function checked(claims: JWTPayload, settings: AccessTokenSettings): JWTPayload {
  try {
    return UnsecuredJWT.decode(new UnsecuredJWT(claims).encode(), checkedClaims(settings)).payload
  } catch (error) {
    throw accessTokenRefusal(problemOf(error))
  }
}
