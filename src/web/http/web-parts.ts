import type { CredentialWriter } from '../../core/credentials/credential-writer.ts'
import type { Sealer, SealerPurposes } from '../../core/crypto/seal.ts'
import type { Drain } from '../../core/host/drain.ts'
import type { Warn } from '../../core/host/logger.ts'
import type { Health } from '../../core/journal/health.ts'
import type { Journal } from '../../core/journal/journal.ts'
import type { Completion } from '../../core/lifecycle/completion.ts'
import type { OwnedCredentials } from '../../core/lifecycle/owned-credentials.ts'
import type { StoredTest } from '../../core/lifecycle/stored-test.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { BrowserSessions } from '../../core/ports/browser-sessions.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import type { Identity } from '../../core/ports/identity.ts'
import type { PendingRequests } from '../../core/requests/pending-requests.ts'
import type { CountUse } from '../../core/requests/shared-limits.ts'
import type { RateLimitOptions } from './page-limits.ts'

/** Seals the pages' cookies and hashes their form tokens and owners. It opens no reference and no pending request. */
export type PageSealer = Sealer<PageSealPurpose, 'csrf' | 'owner'>
export type PageSealPurpose = (typeof PAGE_PURPOSES)['seal'][number]

export const PAGE_PURPOSES = {
  seal: [
    'session-cookie',
    'login-cookie',
    'client-cookie',
    'client-registration',
    'client-login',
    'client-code',
    'client-refresh',
  ],
  mac: ['csrf', 'owner'],
} as const satisfies SealerPurposes

/**
 * Returns the text of a public document. Throws `destination_refused` for one that must not be read, is too long or is not there, and
 * `unavailable` when its server does not answer.
 */
export type ReadClientDocument = (url: string) => Promise<string>

/** The parts that the pages use. */
export interface WebParts {
  /** Origin, and base path if any, under which the pages are reached. No trailing slash, query or fragment. */
  readonly serverBaseUrl: URL
  /** Grows as providers register. */
  readonly providers: ReadonlyMap<string, FormProvider>
  readonly pendingRequests: PendingRequests
  /** Saves and revokes credentials for the form. */
  readonly writer: CredentialWriter
  /** Lets the form ask only for what a credential lacks. Undefined in a form tier alone, which reads nothing: it asks for everything. */
  readonly completion?: Completion | undefined
  /** The state of owners' credentials, for their own page. */
  readonly owned: OwnedCredentials
  /** Tries stored values against their service. Absent where this process cannot read them. */
  readonly testStored: StoredTest | undefined
  /** When this process released a credential last. Absent where it releases none. */
  readonly lastUsed: ((key: StorageKey) => Date | undefined) | undefined
  /** Counts the uses of rate limits over all replicas. Absent where this process counts for itself. */
  readonly countUse?: CountUse | undefined
  readonly identity: Identity
  /** Reads the document at a client's https URL. Absent where no such client is accepted. */
  readonly readClientDocument?: ReadClientDocument | undefined
  readonly sessions: BrowserSessions
  readonly sealer: PageSealer
  readonly journal: Journal
  readonly health: Health
  /** Rejects as long as no page may be served. Absent where pages may always be. */
  readonly mayServe?: (() => Promise<void>) | undefined
  /** Counts running requests, and says whether the process is about to end. */
  readonly drain: Pick<Drain, 'begun' | 'during'>
  /** Warns the operator at once. The message never contains a secret. */
  readonly warn: Warn
  readonly options: WebOptions
}

/** Options for every answer, of the pages and of the MCP endpoint. */
export interface HttpOptions {
  /** Number of your proxies that append to `X-Forwarded-For`. Default 0: the header is ignored. */
  readonly trustedProxies: number
  /** The name of this server that users see. Default the host of `serverBaseUrl`. */
  readonly serverName: string
  /**
   * Whether Strict-Transport-Security covers subdomains too. Default true. Set it to false if a subdomain must stay reachable over plain
   * http.
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

/** The parts that the MCP endpoint's gate and metadata use. */
export interface BearerParts extends Pick<WebParts, 'serverBaseUrl' | 'identity' | 'journal' | 'health'> {
  readonly options: HttpOptions
}
