/** A login that a client asks for, as the identity provider is to be asked. */
export interface ClientLoginStart {
  /** Ours, not the client's. */
  readonly state: string
  /** The client's, untouched (RFC 7636, S256). */
  readonly codeChallenge: string
  /** By the clients' own names. */
  readonly scopes: readonly string[]
  /** Comes back in the ID token, if the scopes ask the provider for one. */
  readonly nonce: string
  /** `login` and `select_account` only. */
  readonly prompt: readonly string[]
}

/** The errors that clients are told (RFC 6749 §4.1.2.1, OpenID Connect Core 1.0 §3.1.2.6). */
export type ClientLoginError =
  | 'access_denied'
  | 'invalid_scope'
  | 'login_required'
  | 'interaction_required'
  | 'consent_required'
  | 'account_selection_required'
  | 'temporarily_unavailable'
  | 'server_error'

/** The identity provider's answer that a browser brought. */
export type ProviderAnswer =
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'error'; readonly error: ClientLoginError }

/** The tokens that are passed on. There is no ID token: it is made for this server's own client. */
export interface ProviderTokens {
  readonly kind: 'tokens'
  readonly accessToken: string
  /** Seconds. */
  readonly expiresIn: number | undefined
  readonly refreshToken: string | undefined
  /** By the clients' own names. Undefined if the provider does not say. */
  readonly scopes: readonly string[] | undefined
}

export interface RefusedTokens {
  readonly kind: 'refused'
  readonly error: 'invalid_grant' | 'invalid_scope' | 'server_error'
  readonly reason: 'replayed_code' | 'nonce' | 'provider_error' | 'client_refused'
}

/**
 * Passes the login of MCP clients on to an identity provider at which only one client is registered, ours. It keeps nothing; the web layer
 * carries and seals its values.
 */
export interface ClientLogin {
  /** The identity provider's name, for users. */
  readonly displayName: string
  /** Redirect URIs, compared exactly, besides those on loopback. */
  readonly redirectUris: readonly string[]
  /** Hosts whose URLs are accepted as client ids. */
  readonly metadataHosts: readonly string[]
  /** Whether those hosts may have private addresses. */
  readonly allowPrivateMetadataHosts: boolean
  /** Seconds for which a browser may remember a consent. 0: it is always asked. */
  readonly rememberSeconds: number
  /** Names of scopes that clients may ask for. */
  readonly scopes: readonly string[]
  /** Scopes of a client that asks for none. */
  readonly defaultScopes: readonly string[]
  /** Text of the settings that say who issues the tokens. What was sealed under another one does not open. */
  readonly policy: string
  /** Returns the address at the identity provider. Throws `unavailable`. */
  authorizationUrl(start: ClientLoginStart): Promise<string>
  /** Throws `login_failed` for an answer that is not the identity provider's, and `unavailable`. */
  readAnswer(answer: URLSearchParams): Promise<ProviderAnswer>
  /** Throws `unavailable`. */
  redeem(grant: {
    readonly code: string
    readonly codeVerifier: string
    /** Of {@link ClientLoginStart}, as the scopes. */
    readonly nonce: string
    readonly scopes: readonly string[]
  }): Promise<ProviderTokens | RefusedTokens>
  /** Throws `unavailable`. */
  refresh(grant: {
    readonly refreshToken: string
    /** Fewer scopes than were granted, by the clients' own names. Default: as granted. */
    readonly scopes: readonly string[] | undefined
  }): Promise<ProviderTokens | RefusedTokens>
}
