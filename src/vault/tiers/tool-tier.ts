import { AsyncLocalStorage } from 'node:async_hooks'
import type { z } from 'zod'
import type { AccessLog } from '../../core/credentials/credential-audit.ts'
import { type CredentialReader, createCredentialReader } from '../../core/credentials/credential-reader.ts'
import { REFERENCE_PURPOSES } from '../../core/credentials/credential-reference.ts'
import type { Sealer, SealerPurposes } from '../../core/crypto/seal.ts'
import { createLeakDetector, type LeakDetector } from '../../core/echo-guard/cross-user-leak-detector.ts'
import { CALL_STATE_PURPOSES } from '../../core/gate/call-state.ts'
import { createExpiryNotices, type ExpiryNotices } from '../../core/gate/expiry-notices.ts'
import type { Drain } from '../../core/host/drain.ts'
import type { Warn } from '../../core/host/logger.ts'
import type { HealthPart } from '../../core/journal/health.ts'
import { createCutoff } from '../../core/lifecycle/cutoff.ts'
import { createRejections, type Rejections } from '../../core/lifecycle/rejections.ts'
import { forgetEverywhere } from '../../core/lifecycle/shared-changes.ts'
import { type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import type { User } from '../../core/model/owner.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import { accountUrl } from '../../core/network/form-urls.ts'
import type { Cutoff } from '../../core/ports/cutoff.ts'
import type { VaultEvents } from '../../core/ports/events.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import type { VerifyToken } from '../../core/ports/identity.ts'
import type { KoaMiddleware } from '../../core/ports/koa.ts'
import type { ReadableBackend, SecretBackend } from '../../core/ports/secret-backend.ts'
import type { OperationMeter } from '../../core/ports/telemetry.ts'
import type { PendingRequests } from '../../core/requests/pending-requests.ts'
import { createBearerGate } from '../../web/bearer/bearer-gate.ts'
import { protectedResourceMetadata } from '../../web/bearer/protected-resource-metadata.ts'
import { createHealthRoutes, type HealthRoutes, type HealthRoutesOptions } from '../../web/http/health-routes.ts'
import type { OwnRoutes } from '../../web/http/own-routes.ts'
import { orClose } from '../parts/close-each.ts'
import { type CloseOptions, closeAtOnce, createClosing, type Ending, type ProviderEnds } from '../parts/closing.ts'
import { type OpenableBackend, type OpenedParts, openParts } from '../parts/open-parts.ts'
import { backendOption, type OpenVaultOptions, openVaultOptions } from '../parts/open-vault-options.ts'
import { type OwnerFrom, ownerFromAuthInfo } from '../parts/owner-from-auth-info.ts'
import { createReadiness } from '../parts/readiness.ts'
import { serveOnce } from './serve-once.ts'

/** A gate opens and leaves requests. It cannot claim one, nor close one as saved. */
export type ToolRequests = Pick<
  PendingRequests,
  'openOrReuse' | 'resume' | 'label' | 'leave' | 'wait' | 'withdraw' | 'outliveProcess'
>

/** The services that providers' tools use. */
export interface ToolServices {
  readonly reader: CredentialReader
  readonly log: AccessLog
  /** Ends what is running for an owner who is offboarded. */
  readonly cutoff: Cutoff
  readonly pendingRequests: ToolRequests
  /** Counts running calls, so that closing waits for them. */
  readonly drain: Drain
  readonly sealer: Pick<Sealer<'reference' | 'call-state'>, 'seal' | 'open'>
  readonly crossings: LeakDetector
  readonly rejections: Rejections
  readonly expiryNotices: ExpiryNotices
  /** Whether the form begins with a login. Local mode has none. */
  readonly hasLogin: boolean
  readonly ownerFrom: OwnerFrom
  readonly assertion: OpenVaultOptions['assertion']
  /** Warns the operator at once. The message never contains a secret. */
  readonly warn: Warn
}

/** What the tool tier seals. */
export const TOOL_PURPOSES = {
  seal: [...REFERENCE_PURPOSES.seal, ...CALL_STATE_PURPOSES.seal],
  mac: [],
} as const satisfies SealerPurposes

/** Serves the tools of the MCP endpoint. It reads credentials and cannot write them. */
export interface ToolTier {
  readonly serverBaseUrl: URL
  /** The user of the current request, set by the bearer gate. */
  readonly userContext: AsyncLocalStorage<User>
  /** Checks access tokens as the bearer gate does. */
  readonly verifyToken: VerifyToken
  /** Koa middleware that lets only requests with a good access token through (RFC 6750, RFC 9728). */
  bearerGate(): KoaMiddleware
  /** Serves the metadata in which clients find the authorization servers (RFC 9728). */
  readonly metadata: OwnRoutes
  readonly services: ToolServices
  /** Measures what a mount is asked. */
  readonly operations: OperationMeter
  /** What happens to credentials in this process, for code that embeds the tier. */
  readonly events: VaultEvents
  /** Parts that are failing, each with a stable code. */
  problems(): ReadonlyMap<HealthPart, string>
  /** Notes a provider that its tools use. Another definition under the same name is `configuration_invalid`. */
  declare(form: FormProvider, replaces?: boolean): void
  /** Serves `GET /healthz` and `GET /readyz`. */
  healthRoutes(options?: HealthRoutesOptions): HealthRoutes
  /** Runs `end` when the tier closes. Its stores stay open until `end` resolves, unless the time is up. */
  onClose(end: Ending): void
  /** Answers waiting calls, lets running ones finish, flushes the log and closes the stores. */
  close(options?: CloseOptions): Promise<void>
}

/** The methods of a backend that the tool tier uses. */
export type ToolTierBackend = OpenableBackend & ReadableBackend

export type ToolTierOptions = Omit<OpenVaultOptions, 'backend' | FormOption> & { readonly backend: ToolTierBackend }
type FormOption = 'admin' | 'browserSessions' | 'sessionIdleSeconds' | 'sessionMaxSeconds' | 'rateLimits'

const toolTierOptions = openVaultOptions
  .omit({
    backend: true,
    admin: true,
    browserSessions: true,
    sessionIdleSeconds: true,
    sessionMaxSeconds: true,
    rateLimits: true,
  } satisfies Record<'backend' | FormOption, true>)
  .extend({ backend: backendOption<ToolTierBackend>() })

toolTierOptions.shape satisfies OptionSchemas<ToolTierOptions>

export const TOOL_TIER_OPTIONS = Object.keys(toolTierOptions.shape) as readonly (keyof ToolTierOptions)[]

/**
 * Opens the tool tier alone, for a process that may read credentials and not write them. It refuses the options of a form tier.
 *
 * @throws what `openVault` throws, with the option's path below `openToolTier`
 */
export async function openToolTier(options: ToolTierOptions, providerEnds?: ProviderEnds): Promise<ToolTier> {
  const checked = parseOptions(toolTierOptions, options, 'openToolTier')
  const parts = await openParts(options, { caller: 'openToolTier', purposes: TOOL_PURPOSES })
  const backend = parts.telemetry.watchBackend(options.backend)
  const isCurrent: SecretBackend['isCurrent'] =
    backend.isCurrent && ((...given) => backend.isCurrent?.(...given) ?? false)
  const reads: ReadableBackend = {
    name: backend.name,
    read: (...given) => backend.read(...given),
    stat: (...given) => backend.stat(...given),
    ...(isCurrent && { isCurrent }),
  }
  // Readiness must not ask whether the newest key can save: a tier that only reads would leave the service after each change of keys.
  const { stat } = reads
  const tier = createToolTier({ ...parts, backend: { stat } }, { backend: reads, options, checked, providerEnds })
  await listenToChanges(parts, tier)
  return tier
}

/** Lets the tier drop what it has cached when another replica changes it. Closes everything if the feed cannot be subscribed to. */
export async function listenToChanges(
  parts: Pick<OpenedParts<never, never>, 'changes' | 'close'>,
  { services: { reader, cutoff } }: Pick<ToolTier, 'services'>,
): Promise<void> {
  const { forget, forgetAll } = reader
  await orClose([{ close: () => closeAtOnce(parts) }], () =>
    parts.changes.listen({ forget, forgetAll, cut: cutoff.cut }),
  )
}

export interface ToolTierParts {
  readonly backend: ReadableBackend
  readonly options: Pick<OpenVaultOptions, 'ownerFrom' | 'assertion'>
  readonly checked: z.output<typeof toolTierOptions>
  /** Called for each credential whose values were released. */
  readonly used?: (key: StorageKey) => void
  readonly providerEnds?: ProviderEnds | undefined
}

export function createToolTier(
  opened: OpenedParts<'reference' | 'call-state', never>,
  { backend, options, checked, used, providerEnds = () => [] }: ToolTierParts,
): ToolTier {
  const { serverBaseUrl, identity, health, journal, sealer, pendingRequests, calls, log, marks, telemetry, warnOf } =
    opened
  const { openOrReuse, resume, label, leave, wait, withdraw, outliveProcess } = pendingRequests
  const { trustedProxies, hstsIncludeSubdomains, serverName = serverBaseUrl.host, allowedOrigins } = checked
  const web = {
    serverBaseUrl,
    identity,
    journal,
    health,
    options: { trustedProxies, hstsIncludeSubdomains, serverName },
  }
  const cutoff = createCutoff()
  const reader = telemetry.watchReader(
    createCredentialReader({
      backend,
      calls,
      log,
      rejectedAt: marks.at,
      cutoff,
      used,
      lookedUp: telemetry.lookedUp,
      cacheTtl: checked.cacheSeconds * 1000,
    }),
  )
  const providers = new Map<string, FormProvider>()
  const findProblems = createReadiness({ ...opened, providers: () => providers.keys() })
  let userContext: AsyncLocalStorage<User> | undefined
  return {
    serverBaseUrl,
    get userContext() {
      userContext ??= new AsyncLocalStorage()
      return userContext
    },
    verifyToken: identity.verifyToken,
    metadata: protectedResourceMetadata(web),
    events: { on: opened.events.on },
    operations: telemetry.operations,
    problems: () => health.problems(),
    declare: (form, replaces) => serveOnce(providers, form, replaces),
    healthRoutes: (options) => createHealthRoutes(findProblems, options),

    bearerGate() {
      // A server that is not on HTTP has no gate and needs no token.
      if (identity.noAccessToken !== undefined) warnOf('identity')(identity.noAccessToken)
      return createBearerGate(web, { userContext: () => userContext, allowedOrigins })
    },

    services: {
      reader,
      log,
      cutoff,
      pendingRequests: { openOrReuse, resume, label, leave, wait, withdraw, outliveProcess },
      drain: opened.drain,
      sealer,
      ...lifeOfCredentials(opened, reader, checked),
      hasLogin: identity.browserLogin.hasLogin,
      ownerFrom: options.ownerFrom ?? ownerFromAuthInfo,
      assertion: options.assertion,
      warn: warnOf('outgoing'),
    },

    ...createClosing(opened, () => [...providerEnds(), async () => reader.close()]),
  }
}

/** What notices that a credential is rejected, about to expire, or shown to another user. */
function lifeOfCredentials(
  { serverBaseUrl, log, health, marks, events, changes, countUse, warnOf }: OpenedParts<never, never>,
  reader: CredentialReader,
  { maxRejectedOwnersPerMinute: maxOwners, expiryNoticeDays: daysAhead }: ToolTierParts['checked'],
): Pick<ToolServices, 'crossings' | 'rejections' | 'expiryNotices'> {
  const announcing = { ...reader, forget: forgetEverywhere(reader, changes) }
  return {
    crossings: createLeakDetector({ note: log.note, health }),
    rejections: createRejections({ reader: announcing, log, marks, maxOwners, warn: warnOf('rejections') }),
    expiryNotices: createExpiryNotices({ events, daysAhead, accountUrl: accountUrl(serverBaseUrl), countUse }),
  }
}
