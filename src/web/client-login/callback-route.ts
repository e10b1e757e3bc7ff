import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { ProviderAnswer } from '../../core/ports/login/client-login.ts'
import type { ClientLoginServices } from '../client-state/client-login-services.ts'
import type { RunningLogin } from '../client-state/client-seals.ts'
import { isStillPermitted, placeOf, withAnswer } from '../client-state/redirect-uri.ts'
import type { Answer } from '../request/answer.ts'
import type { ClientLoginHandler } from './authorize-route.ts'
import { loginNonce, providerAway, refreshable, wrongPlace } from './authorize-route.ts'
import { clientRefused } from './client-events.ts'

/** The login of a client that an answer of the identity provider belongs to. Undefined if it belongs to none. */
export function runningLogin(client: ClientLoginServices | undefined, query: string): RunningLogin | undefined {
  const states = new URLSearchParams(query).getAll('state')
  return states.length === 1 ? client?.seals.running.open(states[0]) : undefined
}

/**
 * Passes the identity provider's answer on to the client, with the client's own state and our `iss`. Only the browser that began the login
 * can bring it, and an answer of another issuer reaches no client.
 */
export const finishClientLogin =
  (running: RunningLogin): ClientLoginHandler =>
  async (services, request, { login, cookies, seals, issuer }): Promise<Answer> => {
    const { renderer, messages } = services
    const { ctx } = request
    if (!cookies.hasBegun(ctx.req, running.nonce)) {
      return { page: renderer.message(messages.loginNotFound()), event: clientRefused('login_cookie', running) }
    }
    const ended = cookies.ended(running.nonce)
    if (!isStillPermitted(login, running)) return { ...wrongPlace(services, running), cookies: ended }
    let answer: ProviderAnswer
    try {
      answer = await login.readAnswer(new URLSearchParams(ctx.querystring))
    } catch (error) {
      if (!isCredentialVaultError(error, 'login_failed')) return providerAway(services, request, error, running)
      const reason = error.reason ?? error.code
      const page = renderer.message(messages.clientAnswer(request.correlationId))
      return { page, event: clientRefused(reason, running), cookies: ended }
    }
    const { digest, redirectUri, codeChallenge, state, scopes } = running
    const nonce = loginNonce(running.nonce)
    const passedOn =
      answer.kind === 'code'
        ? { code: seals.code.seal({ digest, redirectUri, codeChallenge, code: answer.code, nonce, scopes }) }
        : { error: answer.error }
    const back = withAnswer(redirectUri, { ...passedOn, state, iss: issuer })
    const outcome = answer.kind === 'code' ? 'done' : 'failed'
    return {
      page: renderer.message(messages.returning(refreshable(back), placeOf(redirectUri), outcome)),
      ...(answer.kind === 'error' && {
        event: clientRefused(answer.error === 'access_denied' ? 'denied' : 'provider_error', running),
      }),
      cookies: ended,
    }
  }
