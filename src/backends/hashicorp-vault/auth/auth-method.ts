/** A token and what Vault says of it. */
export interface Login {
  /** undefined for an agent or proxy that adds a token of its own. */
  readonly token: string | undefined
  /** Seconds that it lasts; 0 for one that does not end. */
  readonly ttlSeconds: number
  readonly renewable: boolean
  /** Obtained by this process, and not somebody else's. */
  readonly fromLogin: boolean
  /** A service token that this process obtained; batch tokens cannot be revoked. */
  readonly revocable: boolean
}

/** The part of Vault's API that logins need. */
export interface LoginApi {
  /** `POST auth/…/login`. Throws `unauthenticated` when Vault refuses, `unavailable` when it does not answer. */
  login(path: string, body: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<Login>
  /** Looks up a token that another process obtained (`auth/token/lookup-self`). */
  describe(token: string, signal: AbortSignal): Promise<Login>
  /** Whether Vault still accepts the token. */
  known(token: string, signal: AbortSignal): Promise<boolean>
  renew(login: Login, signal: AbortSignal): Promise<Login>
  revoke(login: Login, signal: AbortSignal): Promise<void>
  /** The secret id inside a wrapping token, after making sure that it was wrapped by the given endpoint (`creation_path`). */
  unwrapSecretId(token: string, creationPath: string, signal: AbortSignal): Promise<string>
}

/** One way to get a token. */
export interface AuthMethod {
  /** As Vault calls it, e.g. `approle`. */
  readonly name: string
  /** Whether `login` can give another token when this one has ended. */
  readonly canRepeat: boolean
  login(api: LoginApi, signal: AbortSignal): Promise<Login>
  /** Whether the token was replaced from outside since `login`. */
  changed?(): Promise<boolean>
}
