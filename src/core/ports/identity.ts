import type { User } from '../model/owner.ts'
import type { ClientLogin } from './login/client-login.ts'

/** The contents of a verified access token. */
export interface Principal extends User {
  readonly scopes: readonly string[]
  /** Unix seconds. */
  readonly expiresAt?: number
}

/**
 * Turns a bearer token into a principal. Throws `token_invalid` for a token that is not valid, and `unavailable` when it cannot be checked
 * right now: an outage must not make clients discard valid tokens.
 */
export type VerifyToken = (token: string) => Promise<Principal>

/** Longest access token that is checked, in characters. */
export const MAX_ACCESS_TOKEN_LENGTH = 16_384

/** The data of one login that the login cookie keeps until the identity provider answers. Plain JSON; the caller seals it. */
export type LoginTransaction = Readonly<Record<string, string>>

export type LoginStart =
  /** Send the browser to `redirectTo` and keep `transaction` bound to that browser. */
  | { readonly kind: 'redirect'; readonly redirectTo: string; readonly transaction: LoginTransaction }
  /** The mode signs the user in at once. */
  | { readonly kind: 'signed-in'; readonly user: User }

/** One of several identity providers, for its button. */
export interface LoginChoice {
  readonly issuer: string
  readonly displayName: string
}

/** The user who has just signed in. */
export interface SignedInUser extends User {
  /** Time of the user's last authentication at the identity provider, in Unix milliseconds. Undefined if the provider does not state it. */
  readonly authenticatedAt?: number | undefined
}

export type IdentityModeName = 'oidc' | 'local-user'

/** Identifies the browser's user. It does not use HTTP; the web layer carries its values. */
export interface BrowserLogin {
  readonly mode: IdentityModeName
  /** Whether users sign in before the form. False in local mode, which has one user. */
  readonly hasLogin: boolean
  /** The identity provider's name on the sign-in button, e.g. `login.example.com`. */
  readonly displayName: string
  /** Returns the operator's name for this issuer, or undefined if none was set or the issuer is another one. */
  nameOf?(issuer: string): string | undefined
  /** The identity providers to choose from, if there are several. */
  readonly choices?: readonly LoginChoice[]
  /**
   * Text of all settings that decide whom a login identifies and what it requires. A session made under another policy is refused. Default:
   * empty.
   */
  readonly policy?: string
  /** Whether the user's last authentication is recent enough. Default: always. */
  isRecent?(user: Pick<SignedInUser, 'issuer' | 'authenticatedAt'>): boolean
  /**
   * Begins a login. `switchAccount` asks for another account than the one that the identity provider remembers. `issuer` is one of
   * `choices`, if there are any.
   */
  begin(options: { readonly switchAccount: boolean; readonly issuer?: string | undefined }): Promise<LoginStart>
  /** `callbackUrl` is our configured callback with the query that the browser brought. Throws `login_failed` or `unavailable`. */
  complete(callbackUrl: URL, transaction: LoginTransaction): Promise<SignedInUser>
}

/** The resource that the RFC 9728 metadata and the 401 challenge describe to clients. */
export interface ResourceDescription {
  /** The audience that tokens must carry. */
  readonly resource: string
  readonly authorizationServers: readonly string[]
  readonly scopes: readonly string[]
}

/** One identity set-up: it verifies access tokens on `/mcp` and signs users in on the form. Both identify the same owners. */
export interface Identity {
  readonly verifyToken: VerifyToken
  readonly browserLogin: BrowserLogin
  /** A warning about a weak mode, shown on every page. */
  readonly banner?: string
  /** Absent in modes without an authorization server. */
  readonly resource?: ResourceDescription
  /**
   * Set if no access token is ever accepted: it says so and names the option that sets one. ASCII without quotes, shown to operators and in
   * answers to clients.
   */
  readonly noAccessToken?: string | undefined
  /** Passes MCP clients' logins on. Absent where clients log in at the identity provider itself. */
  readonly clientLogin?: ClientLogin
  /** Values of `iss` in its tokens, the owners' issuer first. Absent in modes that cannot be one of several. */
  readonly issuers?: readonly string[]
  /** The issuers of its owners. Absent in modes without one. */
  readonly ownerIssuers?: readonly string[]
  /**
   * Asks the identity provider for something that changes nothing. Rejects with `unavailable` if nobody can sign in. Absent in modes without
   * one.
   */
  check?(): Promise<void>
  /** Whether it also verifies opaque tokens, by asking the issuer. */
  readonly looksUpTokens?: boolean
}

/** The context in which the vault opens an identity mode. */
export interface IdentityContext {
  /** Origin and base path under which the form is served, without a trailing slash. */
  readonly serverBaseUrl: URL
  /** `serverBaseUrl` + the login callback's path. */
  readonly callbackUrl: URL
  /** Whether other identity providers send their answers to the same callback. */
  readonly several?: boolean
  readonly warn: (message: string) => void
}

/** Made by `oidc()` or `localUser()`; opened once by `openVault`, where it may refuse to start. */
export interface IdentityMode {
  readonly mode: IdentityModeName
  open(context: IdentityContext): Promise<Identity>
}
