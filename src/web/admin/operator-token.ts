import type { Context } from 'koa'
import { adviceOf, reasonOf } from '../../core/journal/refusal-event.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import { sameOwner, type User } from '../../core/model/owner.ts'
import type { AccessContext } from '../../core/ports/access-context.ts'
import type { AuditReason } from '../../core/ports/audit-sink.ts'
import type { Principal } from '../../core/ports/identity.ts'
import { bearerCredentials } from '../bearer/bearer-credentials.ts'
import type { AdminParts } from './admin-parts.ts'
import { type ApiAnswer, refusal } from './api-answer.ts'

/** The place of a request, which every audit line has. */
export type Place = Required<Pick<AccessContext, 'address' | 'correlationId'>>

export interface Refused {
  readonly answer: ApiAnswer
  /** Absent where nothing is worth a line. */
  readonly reason?: AuditReason
  /** The owner of a valid token that is not an operator's. */
  readonly user?: User
}

export type OperatorCheck =
  | { readonly context: AccessContext; readonly refused?: never }
  | { readonly refused: Refused }

/**
 * Finds the operator in the access token of the `Authorization` header. Cookies are never read. Anyone else gets 401, or 403 for a valid
 * token without the scope, and nothing that tells what is here.
 */
export async function operatorOf(parts: AdminParts, { req }: Context, place: Place): Promise<OperatorCheck> {
  const credentials = bearerCredentials(req.headersDistinct['authorization'] ?? [])
  if (credentials.kind === 'absent') return { refused: { answer: challenge() } }
  if (credentials.kind === 'malformed') return { refused: { answer: challenge('invalid_token'), reason: 'malformed' } }
  const { identity, health } = parts
  let principal: Principal
  try {
    principal = await identity.verifyToken(credentials.token)
    health.recovered('identity')
  } catch (error) {
    if (isCredentialVaultError(error, 'token_invalid', 'owner_unknown')) {
      return { refused: { answer: challenge('invalid_token'), reason: error.reason ?? error.code } }
    }
    health.failed('identity', reasonOf(error), adviceOf(error))
    return { refused: { answer: { ...refusal(503, 'temporarily_unavailable'), headers: { 'Retry-After': '10' } } } }
  }
  const { issuer, subject, clientId } = principal
  if (!isOperator(parts, principal)) {
    return { refused: { answer: challenge('insufficient_scope'), reason: 'insufficient_scope', user: principal } }
  }
  const actor = { kind: 'operator', owner: { issuer, subject } } as const
  return { context: { ...place, actor, ...(clientId !== undefined && { clientId }) } }
}

function isOperator({ scope, operators }: AdminParts, principal: Principal): boolean {
  if (!principal.scopes.includes(scope)) return false
  return operators === undefined || operators.some((operator) => sameOwner(operator, principal))
}

/** Neither scope nor metadata is named: operators know them, and nobody else has to. */
export function challenge(error?: 'invalid_token' | 'insufficient_scope'): ApiAnswer {
  const value = error === undefined ? 'Bearer' : `Bearer error="${error}"`
  const answer = refusal(error === 'insufficient_scope' ? 403 : 401, error ?? 'unauthorized')
  return { ...answer, headers: { 'WWW-Authenticate': value } }
}
