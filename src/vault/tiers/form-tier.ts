import Koa from 'koa'
import type { z } from 'zod'
import { type CredentialWriter, createCredentialWriter } from '../../core/credentials/credential-writer.ts'
import type { HealthPart } from '../../core/journal/health.ts'
import { createNodeHandler, type NodeHandler } from '../../core/koa/node-handler.ts'
import type { Completion } from '../../core/lifecycle/completion.ts'
import { createOwnedCredentials } from '../../core/lifecycle/owned-credentials.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import { type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import { checkOwner, type Owner } from '../../core/model/owner.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import { countingSaves, type RunningSaves } from '../../core/operations/running-saves.ts'
import type { AccessContext } from '../../core/ports/access-context.ts'
import type { BrowserSessions } from '../../core/ports/browser-sessions.ts'
import type { VaultEvents } from '../../core/ports/events.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import type { Identity } from '../../core/ports/identity.ts'
import type { KoaMiddleware } from '../../core/ports/koa.ts'
import type { SecretBackend, WritableBackend } from '../../core/ports/secret-backend.ts'
import { publicDocuments } from '../../destinations/public-documents.ts'
import { memoryBrowserSessions } from '../../pending/memory-browser-sessions.ts'
import { createHealthRoutes, type HealthRoutes, type HealthRoutesOptions } from '../../web/http/health-routes.ts'
import { countedRoutes } from '../../web/http/own-routes.ts'
import { PAGE_PURPOSES, type PageSealPurpose, type WebParts } from '../../web/http/web-parts.ts'
import { createVaultRoutes } from '../../web/page-middleware.ts'
import { endSessionsOf } from '../../web/session/end-sessions.ts'
import { orClose } from '../parts/close-each.ts'
import { type CloseOptions, closeAtOnce, createClosing, type Ending, type ProviderEnds } from '../parts/closing.ts'
import { type OpenableBackend, type OpenedParts, openParts } from '../parts/open-parts.ts'
import { backendOption, type OpenVaultOptions, openVaultOptions } from '../parts/open-vault-options.ts'
import { createReadiness } from '../parts/readiness.ts'
import { serveOnce } from './serve-once.ts'
import { createWriteOnlyProof, type ProvenBackend, type WriteOnlyProof } from './write-only-proof.ts'

/** Serves the form and the owners' own page. It writes and revokes credentials and cannot read them. */
export interface FormTier {
  readonly serverBaseUrl: URL
  /** Paths that must be reachable without a token. */
  readonly openPaths: readonly string[]
  /** Handles its own paths and passes every other path on. */
  readonly routes: KoaMiddleware
  /** Whether `routes` answers this path itself. */
  owns(path: string): boolean
  nodeHandler(): NodeHandler
  /**
   * Serves this provider's form. Another definition under the same name is `configuration_invalid`. A form tier alone answers with an error
   * page until the provider is `proven`.
   */
  serve(form: FormProvider, replaces?: boolean): void
  /**
   * Resolves once the store has refused to let this process read the credentials of each provider that it serves. A call after a failure
   * tries again.
   *
   * @throws `configuration_invalid` (`tier_keys`) if a login may read; `unavailable` and the like if the store could not be asked
   */
  proven(): Promise<void>
  /** Ends every browser session of the owner that began before now, on every replica. */
  endSessions(owner: Owner, by?: Pick<AccessContext, 'actor' | 'clientId' | 'address' | 'correlationId'>): Promise<void>
  revoke: CredentialWriter['revoke']
  /** What happens to credentials in this process, for code that embeds the tier. */
  readonly events: VaultEvents
  /** Parts that are failing, each with a stable code. */
  problems(): ReadonlyMap<HealthPart, string>
  /** Serves `GET /healthz` and `GET /readyz`. */
  healthRoutes(options?: HealthRoutesOptions): HealthRoutes
  /** Runs `end` when the tier closes. Its stores stay open until `end` resolves, unless the time is up. */
  onClose(end: Ending): void
  /** Lets running saves finish, flushes the log and closes the stores. */
  close(options?: CloseOptions): Promise<void>
}

/** The tier with the parts that only the vault around it needs. */
export interface OpenedFormTier extends FormTier {
  readonly saves: RunningSaves
  providerNames(): Iterable<string>
}

/** The methods of a backend that the form tier uses. It calls `read` only to prove that the store refuses it. */
export type FormTierBackend = OpenableBackend & Pick<SecretBackend, 'write' | 'revoke' | 'stat'> & ProvenBackend

export type FormTierOptions = Omit<OpenVaultOptions, 'backend' | ToolOption> & { readonly backend: FormTierBackend }
type ToolOption =
  | 'admin'
  | 'cacheSeconds'
  | 'maxRejectedOwnersPerMinute'
  | 'expiryNoticeDays'
  | 'linkTtlSeconds'
  | 'allowedOrigins'
  | 'verifyToken'
  | 'ownerFrom'
  | 'assertion'

const formTierOptions = openVaultOptions
  .omit({
    backend: true,
    admin: true,
    cacheSeconds: true,
    maxRejectedOwnersPerMinute: true,
    expiryNoticeDays: true,
    linkTtlSeconds: true,
    allowedOrigins: true,
    verifyToken: true,
    ownerFrom: true,
    assertion: true,
  } satisfies Record<'backend' | ToolOption, true>)
  .extend({ backend: backendOption<FormTierBackend>() })

formTierOptions.shape satisfies OptionSchemas<FormTierOptions>

export const FORM_TIER_OPTIONS = Object.keys(formTierOptions.shape) as readonly (keyof FormTierOptions)[]

/**
 * Opens the form tier alone, for a process that may write credentials and not read them. It refuses the options of a tool tier, and a
 * login that may read.
 *
 * @throws what `openVault` throws, with the option's path below `openFormTier`, and what {@link FormTier.proven} throws
 */
export async function openFormTier(options: FormTierOptions, providerEnds?: ProviderEnds): Promise<FormTier> {
  const checked = parseOptions(formTierOptions, options, 'openFormTier')
  const parts = await openParts(options, { caller: 'openFormTier', purposes: PAGE_PURPOSES })
  const backend = parts.telemetry.watchBackend(options.backend)
  const writes: WritableBackend = {
    name: backend.name,
    write: (...given) => backend.write(...given),
    revoke: (...given) => backend.revoke(...given),
    stat: (...given) => backend.stat(...given),
  }
  const proof = createWriteOnlyProof(options.backend, parts.warnOf('tiers'))
  await orClose([{ close: () => closeAtOnce(parts) }], proof.proven)
  return createFormTier(parts, { backend: writes, sessions: options.browserSessions, checked, providerEnds, proof })
}

type PageParts = OpenedParts<PageSealPurpose, 'csrf' | 'owner'>

export interface FormTierParts extends Partial<Pick<WebParts, 'testStored' | 'lastUsed'>> {
  readonly backend: WritableBackend
  readonly sessions: BrowserSessions | undefined
  readonly checked: z.output<typeof formTierOptions>
  /** Called for each credential that may have changed. */
  readonly changed?: (key: StorageKey) => void
  readonly completion?: Completion
  readonly providerEnds?: ProviderEnds | undefined
  /** Absent in a process that may read. */
  readonly proof?: WriteOnlyProof
}

export function createFormTier(opened: PageParts, given: FormTierParts): OpenedFormTier {
  const { backend, sessions = memoryBrowserSessions(), checked, completion, testStored, lastUsed, proof } = given
  const { serverBaseUrl, journal, health, calls, log, marks } = opened
  const changed = (key: StorageKey) => {
    given.changed?.(key)
    opened.changes.credential(key)
  }
  const writer = countingSaves(createCredentialWriter({ backend, calls, log, changed }))
  const owned = createOwnedCredentials({ backend, calls, log, marks, changed })
  const attached = new Map<string, FormProvider>()
  // Pages know no other, also those that were asked for before a provider was attached.
  const providers = new Map<string, FormProvider>()
  const parts = webParts(opened, {
    writer,
    owned,
    testStored,
    lastUsed,
    sessions,
    providers,
    checked,
    completion,
    mayServe: proof?.proven,
  })
  const routes = countedRoutes(createVaultRoutes(parts), opened.drain)
  const providerNames = () => attached.keys()
  const findProblems = createReadiness({ ...opened, providers: providerNames, tier: proof?.proven })
  return {
    serverBaseUrl,
    openPaths: routes.openPaths,
    routes: routes.middleware,
    owns: routes.owns,
    nodeHandler: () => createNodeHandler(new Koa(), routes.middleware, routes.owns),
    revoke: writer.revoke,
    events: { on: opened.events.on },
    saves: writer,
    providerNames,
    healthRoutes: (options) => createHealthRoutes(findProblems, options),
    problems: () => health.problems(),
    proven: async () => proof?.proven(),

    serve(form, replaces) {
      const known = attached.has(form.name)
      serveOnce(attached, form, replaces)
      const serve = () => void providers.set(form.name, form)
      if (proof) proof.add(form.name, serve)
      else serve()
      const alike = known
        ? undefined
        : [...attached.values()].find((one) => one !== form && sameLabel(one.label, form.label))
      if (alike) opened.warnOf('form')(twoOfOneLabel(alike, form))
    },

    async endSessions(owner, { actor, clientId, address, correlationId } = unknownOperator()) {
      const { issuer, subject } = checkOwner(owner)
      await endSessionsOf(parts, { issuer, subject })
      await journal.note({
        type: 'login.ended',
        outcome: 'success',
        reason: 'ended_by_operator',
        owner: { issuer, subject },
        actor,
        clientId,
        address,
        correlationId,
      })
    },

    ...createClosing(opened, given.providerEnds),
  }
}

/** Whether users would read the same. */
function sameLabel(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase()
}

function twoOfOneLabel(one: FormProvider, other: FormProvider): string {
  return (
    `The providers ${one.name} and ${other.name} have the same label, ${other.label}, so users cannot tell whose token is asked for. ` +
    'Give each its own label.'
  )
}

/** The operator of a change that the embedding code asked for, without a name: the code does not say who that is. */
export function unknownOperator() {
  return {
    actor: { kind: 'operator' },
    clientId: undefined,
    address: undefined,
    correlationId: newCorrelationId(),
  } as const
}

/** Undefined where no client is identified by a document. */
function clientDocuments({ clientLogin }: Identity): WebParts['readClientDocument'] {
  if (!clientLogin || clientLogin.metadataHosts.length === 0) return undefined
  return publicDocuments({ allowPrivateAddresses: clientLogin.allowPrivateMetadataHosts })
}

interface WebChoices
  extends Pick<
    WebParts,
    'writer' | 'owned' | 'testStored' | 'lastUsed' | 'sessions' | 'providers' | 'completion' | 'mayServe'
  > {
  readonly checked: z.output<typeof formTierOptions>
}

function webParts(opened: PageParts, { checked, ...given }: WebChoices): WebParts {
  const { serverBaseUrl, pendingRequests, countUse, identity, sealer, journal, health, drain, warnOf } = opened
  const { sessionIdleSeconds, sessionMaxSeconds, trustedProxies, hstsIncludeSubdomains, rateLimits } = checked
  const { serverName = serverBaseUrl.host } = checked
  return {
    ...given,
    serverBaseUrl,
    pendingRequests,
    countUse,
    identity,
    readClientDocument: clientDocuments(identity),
    sealer,
    journal,
    health,
    drain,
    warn: warnOf('form'),
    options: {
      sessionIdleSeconds,
      sessionMaxSeconds,
      trustedProxies,
      serverName,
      hstsIncludeSubdomains,
      ...(rateLimits && { rateLimits }),
    },
  }
}
