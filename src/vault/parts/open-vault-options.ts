import { z } from 'zod'
import { DEFAULT_CACHE_SECONDS } from '../../core/credentials/credential-cache.ts'
import { type Logger, loggerOption } from '../../core/host/logger.ts'
import { functionOption, type OptionSchemas } from '../../core/model/options.ts'
import type { User } from '../../core/model/owner.ts'
import { parsedUrl } from '../../core/model/url-value.ts'
import type { AuditSink } from '../../core/ports/audit-sink.ts'
import type { BrowserSessions } from '../../core/ports/browser-sessions.ts'
import type { ChangeFeed } from '../../core/ports/change-feed.ts'
import type { IdentityMode, VerifyToken } from '../../core/ports/identity.ts'
import type { PendingStore } from '../../core/ports/pending-store.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import { DEFAULT_LINK_TTL_SECONDS } from '../../core/requests/pending-requests.ts'
import type { TelemetryOptions } from '../../core/telemetry/telemetry.ts'
import { type AdminOptions, adminSchema } from '../../web/admin/admin-options.ts'
import type { RateLimitOptions } from '../../web/http/page-limits.ts'
import type { OwnerFrom } from './owner-from-auth-info.ts'

export interface OpenVaultOptions {
  /** The URL at which users' browsers and MCP clients reach this server: https, or http on loopback. No query or fragment. */
  readonly serverBaseUrl: string | URL
  /** Stores the credentials, e.g. `sealedFile({ folder: './data' })`. */
  readonly backend: SecretBackend
  /**
   * Identifies users: `oidc({ issuer, clientId })`, or an array of them for users of several identity providers, or `localUser()`, on
   * loopback only and the default there.
   */
  readonly identity?: IdentityMode | readonly IdentityMode[]
  /** Stores pending requests. Default `memoryPendingStore()`: one process. */
  readonly pendingStore?: PendingStore
  /** Ends browser sessions. Default `memoryBrowserSessions()`: one process. */
  readonly browserSessions?: BrowserSessions
  /** Tells other replicas of changes at once. Default none: a change takes effect on them within `cacheSeconds`. */
  readonly changeFeed?: ChangeFeed
  /** Stores audit lines. Default `jsonLinesAudit({ folder: './data/audit' })`. */
  readonly audit?: AuditSink
  /**
   * Key that seals cookies, references, pending requests and links, in the text form that `keygen` prints. Default `MCP_WEB_KEY` or
   * `MCP_WEB_KEY_FILE`, else derived from the backend's own key, else, with a pending store in memory, made afresh by this process.
   */
  readonly webKey?: string
  /**
   * Other web keys, in the same form, at most 4: what they sealed is still valid, and nothing new is made with them. During a change of
   * keys, the next one before it is used everywhere, and the last one afterwards. The word `derived` stands for the key that is derived
   * from the backend's own. Default `MCP_WEB_KEY_ACCEPTED` or `MCP_WEB_KEY_ACCEPTED_FILE`, else none.
   */
  readonly acceptedWebKeys?: readonly string[]
  /**
   * How long a credential is cached without asking the backend again, in seconds, 0 to 300. Default 30. A change made with the backend's
   * own tools takes effect within this time; with the sealed file, at once.
   */
  readonly cacheSeconds?: number
  /**
   * How many owners one service may reject within a minute, 1 to 1000. Default 5. More of them count as an outage of the service, or of a
   * gateway before it: no credential is put out of use, and the operator is warned. `reject()` of a handler names no origin, so it counts at
   * each origin of its provider.
   */
  readonly maxRejectedOwnersPerMinute?: number
  /** From how many days ahead a call's result says that its credential expires, at most once a day, 0 to 90. Default 14; 0 never. */
  readonly expiryNoticeDays?: number
  /** How long a link works, in seconds, 60 to 3600. Default 600. */
  readonly linkTtlSeconds?: number
  /** A browser session ends after this many seconds without a request, 60 to 86400. Default 900. */
  readonly sessionIdleSeconds?: number
  /** A browser session ends this many seconds after the login at the latest, 60 to 86400. Default 3600. */
  readonly sessionMaxSeconds?: number
  /** How many proxies of yours append to `X-Forwarded-For`, 0 to 10. Default 0: the header is ignored. */
  readonly trustedProxies?: number
  /** The name of this server that users see. Default the host of `serverBaseUrl`. */
  readonly serverName?: string
  /** Whether Strict-Transport-Security covers subdomains too. Default true; false where one still has to be reached over plain http. */
  readonly hstsIncludeSubdomains?: boolean
  /** Limits how often the form's pages may be requested. */
  readonly rateLimits?: RateLimitOptions
  /** Origins of web pages that may call the MCP endpoint, besides the server's own, e.g. `https://inspector.example.com`. Default none. */
  readonly allowedOrigins?: readonly string[]
  /** The admin API and SCIM, below `{base path}/credentials/admin`. Default: there is none. */
  readonly admin?: AdminOptions
  /** Checks access tokens in place of the identity mode's own verifier. */
  readonly verifyToken?: VerifyToken
  /**
   * Finds the owner in the `authInfo` that a verifier left on the request. Default: `extra.iss` and `extra.sub`, as our bearer gate sets
   * them.
   */
  readonly ownerFrom?: OwnerFrom
  /**
   * The user's own JWT, for a backend that logs in as the user (`vaultBackend`'s `userAuth`): from what the verifier left on the request,
   * or exchanged for one that is meant for the backend (RFC 8693).
   */
  readonly assertion?: (user: User, authInfo: unknown) => Promise<string>
  /** Called with warnings for operators, which never contain a secret. Default: lines on standard error with time, level and place. */
  readonly warn?: (message: string) => void
  /** A logger of pino's shape, for the same warnings with fields such as `correlationId`. Default: none. */
  readonly logger?: Logger
  /** Where metrics and spans go. Default: the OpenTelemetry SDK of the process, if the application has set one up before, else nowhere. */
  readonly telemetry?: TelemetryOptions | undefined
}

const object = <T extends object>(message: string) =>
  z.custom<T>((value) => typeof value === 'object' && value !== null, message)
/** Checks that a backend was given. A tier's backend needs fewer methods than `openVault`'s, and the compiler checks which. */
export const backendOption = <T extends object>() =>
  object<T>('must be a secret backend such as sealedFile({ folder })')

const perMinute = z.int().min(1).max(1_000_000).optional()

const telemetrySchema = z.strictObject({
  meterProvider: object<NonNullable<TelemetryOptions['meterProvider']>>(
    'must be a MeterProvider of OpenTelemetry',
  ).optional(),
  tracerProvider: object<NonNullable<TelemetryOptions['tracerProvider']>>(
    'must be a TracerProvider of OpenTelemetry',
  ).optional(),
} satisfies OptionSchemas<TelemetryOptions>)

export const openVaultOptions = z.strictObject({
  serverBaseUrl: z.union([z.string(), z.instanceof(URL)], 'must be the URL under which this server is reached'),
  backend: backendOption<SecretBackend>(),
  identity: z
    .custom<IdentityMode | readonly IdentityMode[]>(
      (value) => Array.isArray(value) || (typeof value === 'object' && value !== null && 'open' in value),
      'must be oidc({ … }), an array of them, or localUser({ … })',
    )
    .optional(),
  pendingStore: object<PendingStore>('must be a pending store such as memoryPendingStore()').optional(),
  browserSessions: object<BrowserSessions>('must be browser sessions such as memoryBrowserSessions()').optional(),
  changeFeed: object<ChangeFeed>('must be a feed such as redisChangeFeed({ redis })').optional(),
  audit: object<AuditSink>('must be an audit sink such as jsonLinesAudit({ folder })').optional(),
  webKey: z.string().optional(),
  acceptedWebKeys: z.array(z.string()).optional(),
  cacheSeconds: z.number().min(0).max(300).default(DEFAULT_CACHE_SECONDS),
  maxRejectedOwnersPerMinute: z.int().min(1).max(1000).default(5),
  expiryNoticeDays: z.int().min(0).max(90).default(14),
  linkTtlSeconds: z.int().min(60).max(3600).default(DEFAULT_LINK_TTL_SECONDS),
  sessionIdleSeconds: z.int().min(60).max(86_400).default(900),
  sessionMaxSeconds: z.int().min(60).max(86_400).default(3600),
  trustedProxies: z.int().min(0).max(10).default(0),
  serverName: z.string().min(1).max(100).optional(),
  hstsIncludeSubdomains: z.boolean().default(true),
  rateLimits: z
    .strictObject({
      pagesPerMinute: perMinute,
      loginsPerMinute: perMinute,
      submitsPerMinute: perMinute,
    } satisfies OptionSchemas<RateLimitOptions>)
    .optional(),
  allowedOrigins: z
    .array(z.string().refine(isOrigin, 'must be an origin such as https://inspector.example.com'))
    .default([]),
  admin: adminSchema.optional(),
  verifyToken: functionOption<VerifyToken>(),
  ownerFrom: functionOption<OwnerFrom>(),
  assertion: functionOption<NonNullable<OpenVaultOptions['assertion']>>(),
  warn: functionOption<(message: string) => void>(),
  logger: loggerOption(),
  telemetry: telemetrySchema.optional(),
} satisfies OptionSchemas<OpenVaultOptions>)

function isOrigin(text: string): boolean {
  return parsedUrl(text)?.origin === text
}
