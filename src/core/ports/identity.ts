import type { User } from '../model/owner.ts'

/** What a verified access token says. */
export interface Principal extends User {
  readonly scopes: readonly string[]
  /** Unix seconds. */
  readonly expiresAt?: number
}

/**
 * Turns a bearer token into a principal. Throws `token_invalid` for a token that is not good, `unavailable` when that cannot be known
 * right now: an outage must not make clients throw good tokens away.
 */
export type VerifyToken = (token: string) => Promise<Principal>

/** Longest access token that is looked at, in characters. */
export const MAX_ACCESS_TOKEN_LENGTH = 16_384

/** What the login cookie keeps of one login between its two halves. Plain JSON; the caller seals it. */
export type LoginTransaction = Readonly<Record<string, string>>

export type LoginStart =
  /** Send the browser to `redirectTo` and keep `transaction` bound to that browser. */
  | { readonly kind: 'redirect'; readonly redirectTo: string; readonly transaction: LoginTransaction }
  /** The mode has no second half. */
  | { readonly kind: 'signed-in'; readonly user: User }

/** One of several identity providers, for its button. */
export interface LoginChoice {
  readonly issuer: string
  readonly displayName: string
}

/** Who has just signed in. */
export interface SignedInUser extends User {
  /** When they last proved to the identity provider who they are, in Unix milliseconds; undefined when it does not say. */
  readonly authenticatedAt?: number | undefined
}

export type IdentityModeName = 'oidc' | 'local-user'

/** How the browser's user is identified. Knows no HTTP; the web layer carries its values. */
export interface BrowserLogin {
  readonly mode: IdentityModeName
  /** Whether users sign in before the form. False in local mode, which has one user. */
  readonly hasLogin: boolean
  /** Who signs people in, for the sign-in button, e.g. `login.example.com`. */
  readonly displayName: string
  /** Returns the operator's name for this issuer; undefined when none was set, or when the issuer is another's. */
  nameOf?(issuer: string): string | undefined
  /** Where people can sign in, when there is a choice. */
  readonly choices?: readonly LoginChoice[]
  /**
   * Everything that decides whom a login names and what it asks of them, as text. A session that was made under another policy is not
   * accepted. Default: empty.
   */
  readonly policy?: string
  /** Whether this person's last proof of who they are is still recent enough. Default: it always is. */
  isRecent?(user: Pick<SignedInUser, 'issuer' | 'authenticatedAt'>): boolean
  /**
   * `switchAccount` asks for another account than the one the identity provider remembers; `issuer` is that of one of `choices`, where
   * there are any.
   */
  begin(options: { readonly switchAccount: boolean; readonly issuer?: string | undefined }): Promise<LoginStart>
  /** `callbackUrl` is our configured callback with the query that the browser brought. Throws `login_failed` or `unavailable`. */
  complete(callbackUrl: URL, transaction: LoginTransaction): Promise<SignedInUser>
}

/** What RFC 9728 metadata and the 401 challenge tell clients. */
export interface ResourceDescription {
  /** The audience that tokens must carry. */
  readonly resource: string
  readonly authorizationServers: readonly string[]
  readonly scopes: readonly string[]
}

/** One identity set-up: what verifies tokens on `/mcp`, and what signs people in on the form. Both speak of the same owners. */
export interface Identity {
  readonly verifyToken: VerifyToken
  readonly browserLogin: BrowserLogin
  /** What is weaker than it should be, for everyone on the pages to read. */
  readonly banner?: string
  /** Absent in modes without an authorization server. */
  readonly resource?: ResourceDescription
  /** Where no access token is good at all: that, and what sets one, in ASCII without quotes, for operators and for the answers to clients. */
  readonly noAccessToken?: string | undefined
  /** Values of `iss` in its tokens, that of its owners first. Absent in modes that cannot be one of several. */
  readonly issuers?: readonly string[]
  /** Whether it also verifies tokens that do not say whose they are, by asking the issuer. */
  readonly looksUpTokens?: boolean
}

/** What the vault tells an identity mode when it opens. */
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
