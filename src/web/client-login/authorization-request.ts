import { parsedUrl } from '../../core/model/url-value.ts'
import type { ClientLogin } from '../../core/ports/login/client-login.ts'
import type { WrongParameter } from '../pages/client-login-messages.ts'

/** A client's authorization request, checked for shape (RFC 6749 §4.1.1, RFC 7636 §4.3). */
export interface AuthorizationRequest {
  readonly clientId: string
  readonly redirectUri: string
  readonly state: string | undefined
  readonly codeChallenge: string
  readonly scopes: readonly string[]
  readonly prompt: readonly string[]
  /** Whether our own page must be shown, even to a browser that remembers a consent. */
  readonly asksConsent: boolean
}

/** At most 1024 characters, since it is sealed into the state at the identity provider, which is part of a URL. */
const STATE = /^[\x20-\x7E]{0,1024}$/
/** Asks for a refresh token (OpenID Connect Core 1.0 §11). */
const OFFLINE = 'offline_access'
const SINGLE = [
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'state',
  'code_challenge',
  'code_challenge_method',
  'scope',
  'prompt',
] as const

/** Returns the request, or the first parameter that keeps it from being one. Unknown parameters are ignored (RFC 6749 §3.1). */
export function authorizationRequest(
  query: URLSearchParams,
  login: Pick<ClientLogin, 'scopes' | 'defaultScopes'>,
  resource: string | undefined,
): AuthorizationRequest | WrongParameter {
  const wrong = CHECKS.find(([, isWrong]) => isWrong(query, resource))
  if (wrong) return wrong[0]
  return {
    clientId: query.get('client_id') ?? '',
    redirectUri: query.get('redirect_uri') ?? '',
    state: query.get('state') ?? undefined,
    codeChallenge: query.get('code_challenge') ?? '',
    scopes: wantedScopes(query, login),
    // Our own page asks for the consent.
    prompt: promptOf(query).filter((value) => value === 'login' || value === 'select_account'),
    asksConsent: promptOf(query).includes('consent'),
  }
}

type IsWrong = (query: URLSearchParams, resource: string | undefined) => boolean

const CHECKS: readonly (readonly [WrongParameter, IsWrong])[] = [
  // A request object would have to be verified with a key of the client.
  ['request', (query) => query.has('request') || query.has('request_uri')],
  ['request', (query) => SINGLE.some((name) => query.getAll(name).length > 1)],
  ['client_id', (query) => !query.get('client_id')],
  ['redirect_uri', (query) => !query.get('redirect_uri')],
  ['response_type', (query) => query.get('response_type') !== 'code'],
  ['response_mode', (query) => (query.get('response_mode') ?? 'query') !== 'query'],
  ['state', (query) => !STATE.test(query.get('state') ?? '')],
  ['code_challenge', (query) => query.get('code_challenge_method') !== 'S256'],
  ['code_challenge', (query) => !/^[A-Za-z0-9_-]{43}$/.test(query.get('code_challenge') ?? '')],
  ['resource', (query, resource) => !query.getAll('resource').every((asked) => isSameResource(asked, resource))],
  // There is no login without a page.
  ['prompt', (query) => promptOf(query).includes('none')],
]

function promptOf(query: URLSearchParams): readonly string[] {
  return wordsOf(query.get('prompt'))
}

/**
 * Most clients can refresh and do not ask for it (SDK 1.x never does); without it, users would sign in every hour. Without the required
 * scopes, `/mcp` would refuse the token.
 */
function wantedScopes(query: URLSearchParams, login: Pick<ClientLogin, 'scopes' | 'defaultScopes'>): readonly string[] {
  const asked = wordsOf(query.get('scope')).filter((scope) => scope !== OFFLINE && login.scopes.includes(scope))
  const offline = login.scopes.includes(OFFLINE) ? [OFFLINE] : []
  return [...new Set([...asked, ...login.defaultScopes]), ...offline]
}

/** Whether two resources are the same but for the last slash, which clients add to a bare host. */
export function isSameResource(asked: string, resource: string | undefined): boolean {
  const [a, b] = [parsedUrl(asked)?.href, parsedUrl(resource)?.href]
  return a !== undefined && a.replace(/\/$/, '') === b?.replace(/\/$/, '')
}

export function wordsOf(text: string | null | undefined): readonly string[] {
  return [...new Set((text ?? '').split(' ').filter((word) => word !== ''))]
}
