import type { CredentialWriter } from '../../core/credentials/credential-writer.ts'
import type { Sealer } from '../../core/crypto/seal.ts'
import type { Health } from '../../core/journal/health.ts'
import type { Journal } from '../../core/journal/journal.ts'
import type { BrowserSessions } from '../../core/ports/browser-sessions.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import type { Identity } from '../../core/ports/identity.ts'
import type { PendingRequests } from '../../core/requests/pending-requests.ts'
import type { RateLimitOptions } from './rate-limit.ts'

/** Everything that the pages work with. */
export interface WebParts {
  /** Origin, and base path if any, under which the pages are reached. No trailing slash, query or fragment. */
  readonly serverBaseUrl: URL
  /** Grows as providers register. */
  readonly providers: ReadonlyMap<string, FormProvider>
  readonly pendingRequests: PendingRequests
  /** The form saves credentials through this. */
  readonly writer: CredentialWriter
  readonly identity: Identity
  readonly sessions: BrowserSessions
  readonly sealer: Sealer
  readonly journal: Journal
  readonly health: Health
  /** What the operator should read at once. Never a secret. */
  readonly warn: (message: string) => void
  readonly options: WebOptions
}

/** Settings for all answers, of the pages and of the MCP endpoint. */
export interface HttpOptions {
  /** How many proxies of yours stand in front and append to `X-Forwarded-For`. Default 0: the header is ignored. */
  readonly trustedProxies: number
  /** What users call this server. Default the host of `serverBaseUrl`. */
  readonly serverName: string
  /**
   * Whether Strict-Transport-Security covers subdomains too. Default true; false where a subdomain still has to be reached over plain http.
   */
  readonly hstsIncludeSubdomains?: boolean
}

export interface WebOptions extends HttpOptions {
  /** A browser session ends after this many seconds without a request. Default 900, 60 to 86400. */
  readonly sessionIdleSeconds: number
  /** A browser session ends this many seconds after the login at the latest. Default 3600, 60 to 86400. */
  readonly sessionMaxSeconds: number
  readonly rateLimits?: RateLimitOptions
}

/** Parts that the MCP endpoint's token check and metadata use. */
export interface BearerParts extends Pick<WebParts, 'serverBaseUrl' | 'identity' | 'journal' | 'health'> {
  readonly options: HttpOptions
}
