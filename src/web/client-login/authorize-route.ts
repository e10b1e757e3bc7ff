import { createHash, randomBytes } from 'node:crypto'
import { adviceOf, reasonOf } from '../../core/journal/refusal-event.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { AuditReason } from '../../core/ports/audit-sink.ts'
import type { ClientLoginServices } from '../client-state/client-login-services.ts'
import type { AskedLogin } from '../client-state/client-seals.ts'
import { isOneOf, isOnThisComputer, isStillPermitted, placeOf, withAnswer } from '../client-state/redirect-uri.ts'
import { CSRF_FIELD, csrfToken, csrfTokenMatches } from '../http/csrf.ts'
import { type Answer, isAnswer, rateLimited } from '../request/answer.ts'
import type { PageRequest } from '../request/page-request.ts'
import type { PageServices } from '../request/page-services.ts'
import { readFields } from '../request/posted-form.ts'
import { authorizationRequest } from './authorization-request.ts'
import { clientFields, clientRefused } from './client-events.ts'
import { type DescribedClient, findClient } from './mcp-client.ts'

/** Serves a step of clients' logins, where they are on. */
export type ClientLoginHandler = (
  services: PageServices,
  request: PageRequest,
  client: ClientLoginServices,
) => Promise<Answer>

/** Reason of an approval that the browser remembered. */
const REMEMBERED: AuditReason = 'client_remembered'
const FIELDS: ReadonlySet<string> = new Set([CSRF_FIELD, 'request', 'answer'])

/**
 * Shows the consent page, whatever the identity provider shows later: it knows a single client, and would remember its consent for every other.
 * A wrong request is never answered at its own redirect URI.
 */
export const askConsent: ClientLoginHandler = async (services, request, client) => {
  const { parts, site, renderer, messages } = services
  const { ctx } = request
  const query = new URLSearchParams(ctx.querystring)
  const asked = authorizationRequest(query, client.login, parts.identity.resource?.resource)
  if (typeof asked === 'string') {
    return { page: renderer.message(messages.clientRequest(asked)), event: clientRefused('client_request') }
  }
  const found = await knownClient(services, request, asked.clientId)
  if (isAnswer(found)) return found
  const { clientId: _, asksConsent, ...wanted } = asked
  const login: AskedLogin = {
    ...wanted,
    scopes: [...wanted.scopes],
    prompt: [...wanted.prompt],
    label: found.label,
    digest: found.digest,
    name: found.name,
  }
  if (!isOneOf(asked.redirectUri, found.redirectUris) || !isStillPermitted(client.login, login)) {
    return wrongPlace(services, login)
  }
  if (!asksConsent && client.cookies.remembers(ctx.req, login)) return leave(services, request, client, login, true)
  const { id, cookies } = client.cookies.browser(ctx.req)
  const sealed = client.seals.asked.seal(login)
  const fields = [
    [CSRF_FIELD, csrfToken(parts.sealer, id, csrfPurpose(sealed))],
    ['request', sealed],
  ] as const
  const page = renderer.message(
    messages.consent({
      name: found.name,
      host: found.host,
      place: placeOf(asked.redirectUri),
      redirectUri: asked.redirectUri,
      scopes: login.scopes,
      isLoopback: isOnThisComputer(asked.redirectUri),
      provider: client.login.displayName,
      server: parts.options.serverName,
      action: `${site.root}/authorize`,
      fields,
    }),
  )
  return { page, cookies }
}

/** Takes the person's answer. Only the browser that was shown the page can give it. */
export const answerConsent: ClientLoginHandler = async (services, request, client) => {
  const { parts, limits, renderer, messages } = services
  const wait = await limits.logins.take(request.address)
  if (wait > 0) return { ...rateLimited(services, wait), event: clientRefused('rate_limited') }
  const fields = await readFields(services, request)
  if (isAnswer(fields)) return fields
  const sealed = fields.get('request') ?? ''
  const answer = fields.get('answer')
  if ([...fields.keys()].some((name) => !FIELDS.has(name)) || (answer !== 'continue' && answer !== 'cancel')) {
    return { page: renderer.message(messages.malformedForm()), event: clientRefused('unknown_field') }
  }
  const login = client.seals.asked.open(sealed)
  const browser = client.cookies.browserId(request.ctx.req)
  const isOurs =
    browser !== undefined && csrfTokenMatches(parts.sealer, browser, csrfPurpose(sealed), fields.get(CSRF_FIELD))
  if (!login || !isOurs) {
    return { page: renderer.message(messages.clientStale()), event: clientRefused('csrf', login) }
  }
  if (!isStillPermitted(client.login, login)) return wrongPlace(services, login)
  if (answer === 'continue') return leave(services, request, client, login)
  const { redirectUri, state } = login
  const back = withAnswer(redirectUri, { error: 'access_denied', state, iss: client.issuer })
  return {
    page: renderer.message(messages.returning(refreshable(back), placeOf(redirectUri), 'denied')),
    event: clientRefused('denied', login),
  }
}

/** Sends the browser to the identity provider, with our one callback and a state that this browser alone can bring back. */
async function leave(
  services: PageServices,
  request: PageRequest,
  { login, cookies, seals }: ClientLoginServices,
  asked: AskedLogin,
  remembered = false,
): Promise<Answer> {
  const { renderer, messages } = services
  const { req } = request.ctx
  const { label, digest, redirectUri, codeChallenge, state, scopes, prompt } = asked
  const nonce = randomBytes(16).toString('base64url')
  const running = seals.running.seal({ label, digest, redirectUri, codeChallenge, state, nonce, scopes })
  let redirectTo: string
  try {
    redirectTo = await login.authorizationUrl({
      state: running,
      codeChallenge,
      scopes,
      prompt,
      nonce: loginNonce(nonce),
    })
  } catch (error) {
    return providerAway(services, request, error, asked)
  }
  return {
    page: renderer.message(messages.leaving(refreshable(redirectTo), login)),
    // Strangers can agree as often as they like, so this line need not be durable. The one before the tokens must be.
    event: {
      type: 'client.approved',
      outcome: 'success',
      ...(remembered && { reason: REMEMBERED }),
      ...clientFields(asked),
    },
    // Only the button renews a consent. Otherwise any page that sends the browser here now and then would keep it alive.
    cookies: [...cookies.begun(req, nonce), ...(remembered ? [] : cookies.remembered(req, asked))],
  }
}

/** Refuses a redirect URI that is not the client's own. The client is told nothing, since its answer would go there. */
export function wrongPlace(
  { renderer, messages }: PageServices,
  { label, name }: { readonly label: string; readonly name?: string | undefined },
): Answer {
  return {
    page: renderer.message(messages.clientRedirect()),
    event: clientRefused('client_redirect_uri', { label, name }),
  }
}

/** Derives the nonce that the provider is sent from that of the login's cookie, which stays between this server and the browser. */
export function loginNonce(nonce: string): string {
  return createHash('sha256').update(`client nonce ${nonce}`).digest('base64url')
}

async function knownClient(
  services: PageServices,
  request: PageRequest,
  clientId: string,
): Promise<DescribedClient | Answer> {
  const { renderer, messages } = services
  try {
    const found = await findClient(services, clientId)
    return found ?? { page: renderer.message(messages.clientUnknown()), event: clientRefused('client_unknown') }
  } catch (error) {
    if (!isCredentialVaultError(error, 'destination_refused', 'unavailable')) throw error
    const event = clientRefused(reasonOf(error), { label: clientId })
    if (error.code === 'unavailable') {
      const page = renderer.message(messages.clientDocumentAway(request.correlationId))
      return { page, event, headers: { 'Retry-After': '10' } }
    }
    return { page: renderer.message(messages.clientDocument(request.correlationId)), event }
  }
}

/** Tells the person that the identity provider is away. Other errors are passed on. */
export function providerAway(
  { parts, renderer, messages }: PageServices,
  { correlationId }: PageRequest,
  error: unknown,
  client: { readonly label: string },
): Answer {
  if (!isCredentialVaultError(error, 'unavailable')) throw error
  parts.health.failed('identity', reasonOf(error), adviceOf(error))
  return {
    page: renderer.message(messages.clientUnavailable(correlationId)),
    event: clientRefused(reasonOf(error), { label: client.label }),
    headers: { 'Retry-After': '10' },
  }
}

/** A quote would end the address inside the refresh tag. */
export function refreshable(url: string): string {
  return url.replaceAll("'", '%27')
}

function csrfPurpose(sealed: string): string {
  return `client-consent ${sealed}`
}
