import type { LoginTransaction } from '../../core/ports/identity.ts'
import { issuerUnavailable } from '../issuer/issuer-document.ts'
import type { IssuerMetadata } from '../issuer/issuer-metadata.ts'
import { loginRefusal } from './login-problem.ts'

const LOGIN_LIFETIME_MILLISECONDS = 600_000
const CLOCK_STEP_MILLISECONDS = 60_000

export interface OpenLogin {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

/**
 * Checks the browser's answer against the transaction in its cookie, before any request to the identity provider. `iss` is also checked on
 * error answers, or another issuer could answer in this one's name (RFC 9207 §2.4).
 */
export function checkLoginAnswer(
  answer: URLSearchParams,
  transaction: LoginTransaction,
  metadata: IssuerMetadata,
): OpenLogin {
  const login = openLogin(transaction, metadata.issuer)
  refuseRepeated(answer)
  if (answer.get('state') !== login.state) throw loginRefusal('state')
  checkAnswerIssuer(answer, metadata)
  const error = answer.get('error')
  if (error !== null) throw errorAnswer(error)
  if (!answer.get('code')) throw loginRefusal('malformed')
  return login
}

/** Parsers disagree on which of two equal parameters counts. */
export function refuseRepeated(answer: URLSearchParams): void {
  for (const name of ['state', 'iss', 'code', 'error']) {
    if (answer.getAll(name).length > 1) throw loginRefusal('malformed')
  }
}

/** Refuses an answer of another issuer, and one without an issuer if this one always names itself (RFC 9207 §2.4). */
export function checkAnswerIssuer(answer: URLSearchParams, metadata: IssuerMetadata): void {
  const issuer = answer.get('iss')
  if (issuer === null ? metadata.authorization_response_iss_parameter_supported : issuer !== metadata.issuer) {
    throw loginRefusal('issuer')
  }
}

function openLogin(transaction: LoginTransaction, issuer: string): OpenLogin {
  const { state, nonce, codeVerifier, startedAt } = transaction
  if (!state || !nonce || !codeVerifier || !startedAt) throw loginRefusal('transaction')
  // The configuration may have changed during the login. A code of the former issuer must not reach the new one.
  if (transaction['issuer'] !== issuer) throw loginRefusal('issuer')
  const age = Date.now() - Number(startedAt)
  if (!(age >= -CLOCK_STEP_MILLISECONDS && age <= LOGIN_LIFETIME_MILLISECONDS)) throw loginRefusal('too_late')
  return { state, nonce, codeVerifier }
}

/** RFC 6749 §4.1.2.1 and OpenID Connect Core 1.0 §3.1.2.6. `error_description` is untrusted text and is not read. */
function errorAnswer(error: string) {
  if (error === 'temporarily_unavailable' || error === 'server_error') return issuerUnavailable('answered')
  const denied = ['access_denied', 'login_required', 'interaction_required', 'account_selection_required']
  if (denied.includes(error)) return loginRefusal('denied')
  return loginRefusal(error === 'unauthorized_client' ? 'client_refused' : 'provider_error')
}
