/** A token and its properties in Vault. */
export interface Login {
  /** Undefined when an agent or proxy adds its own token. */
  readonly token: string | undefined
  /** Seconds until it expires; 0 when it never does. */
  readonly ttlSeconds: number
  readonly renewable: boolean
  /** Whether this process obtained it. */
  readonly fromLogin: boolean
  /** Whether it is a service token that this process obtained; batch tokens cannot be revoked. */
  readonly revocable: boolean
}

/** The operations of Vault's API that logins use. */
export interface LoginApi {
  /** `POST auth/…/login`. Throws `unauthenticated` when Vault refuses, `unavailable` when it does not answer. */
  login(path: string, body: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<Login>
  /** Looks up a token that another program obtained (`auth/token/lookup-self`). */
  describe(token: string, signal: AbortSignal): Promise<Login>
  /** Whether Vault still accepts the token. */
  known(token: string, signal: AbortSignal): Promise<boolean>
  renew(login: Login, signal: AbortSignal): Promise<Login>
  revoke(login: Login, signal: AbortSignal): Promise<void>
  /** Unwraps a secret id, after checking that the given endpoint wrapped it (`creation_path`). */
  unwrapSecretId(token: string, creationPath: string, signal: AbortSignal): Promise<string>
}

/** One way to get a token. */
export interface AuthMethod {
  /** Vault's name for it, e.g. `approle`. */
  readonly name: string
  /** Whether `login` can return another token once this one has expired. */
  readonly canRepeat: boolean
  login(api: LoginApi, signal: AbortSignal): Promise<Login>
  /** Whether another program replaced the token since `login`. */
  changed?(): Promise<boolean>
}
