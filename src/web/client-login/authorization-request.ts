import { parsedUrl } from '../../core/model/url-value.ts'
import type { ClientLogin } from '../../core/ports/client-login.ts'

/** A client's authorization request, checked for shape (RFC 6749 §4.1.1, RFC 7636 §4.3). */
export interface AuthorizationRequest {
  readonly clientId: string
  readonly redirectUri: string
  readonly state: string | undefined
  readonly codeChallenge: string
  readonly scopes: readonly string[]
  readonly prompt: readonly string[]
}

/** The parameter that is missing or wrong. */
export type WrongParameter =
  | 'client_id'
  | 'redirect_uri'
  | 'response_type'
  | 'response_mode'
  | 'state'
  | 'code_challenge'
  | 'resource'
  | 'prompt'
  | 'request'

/** It is sealed into the state at the identity provider, which is part of a URL. */
const MAX_STATE = 1_024
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
  { scopes: known, defaultScopes }: Pick<ClientLogin, 'scopes' | 'defaultScopes'>,
  resource: string | undefined,
): AuthorizationRequest | WrongParameter {
  if (SINGLE.some((name) => query.getAll(name).length > 1)) return 'request'
  const [clientId, redirectUri] = [query.get('client_id'), query.get('redirect_uri')]
  if (!clientId) return 'client_id'
  if (!redirectUri) return 'redirect_uri'
  // A request object would have to be verified with a key of the client.
  if (query.has('request') || query.has('request_uri')) return 'request'
  if (query.get('response_type') !== 'code') return 'response_type'
  if ((query.get('response_mode') ?? 'query') !== 'query') return 'response_mode'
  const state = query.get('state') ?? undefined
  if (state !== undefined && (state.length > MAX_STATE || !/^[\x20-\x7E]*$/.test(state))) return 'state'
  const codeChallenge = query.get('code_challenge') ?? ''
  const isPkce = query.get('code_challenge_method') === 'S256' && /^[A-Za-z0-9_-]{43}$/.test(codeChallenge)
  if (!isPkce) return 'code_challenge'
  if (!query.getAll('resource').every((asked) => isSame(asked, resource))) return 'resource'
  const prompt = wordsOf(query.get('prompt'))
  // Our own page asks the person, so there is no login without one.
  if (prompt.includes('none')) return 'prompt'
  const asked = wordsOf(query.get('scope')).filter((scope) => scope !== OFFLINE && known.includes(scope))
  // Most clients can refresh and do not ask for it (SDK 1.x never does); without it, users sign in every hour.
  const offline = known.includes(OFFLINE) ? [OFFLINE] : []
  return {
    clientId,
    redirectUri,
    state,
    codeChallenge,
    scopes: [...(asked.length > 0 ? asked : defaultScopes), ...offline],
    prompt: prompt.filter((value) => value === 'login' || value === 'select_account'),
  }
}

/** Whether two resources are the same but for the last slash, which clients add to a bare host. */
export function isSame(asked: string, resource: string | undefined): boolean {
  const [a, b] = [parsedUrl(asked)?.href, parsedUrl(resource)?.href]
  return a !== undefined && a.replace(/\/$/, '') === b?.replace(/\/$/, '')
}

export function wordsOf(text: string | null | undefined): readonly string[] {
  return [...new Set((text ?? '').split(' ').filter((word) => word !== ''))]
}
