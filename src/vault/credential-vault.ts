import type { AsyncLocalStorage } from 'node:async_hooks'
import type { CredentialWriter } from '../core/credentials/credential-writer.ts'
import type { HealthPart } from '../core/journal/health.ts'
import type { NodeHandler } from '../core/koa/node-handler.ts'
import type { Owner, User } from '../core/model/owner.ts'
import type { Offboarded, OffboardingChoices } from '../core/operations/offboarding.ts'
import type { VaultEvents } from '../core/ports/events.ts'
import type { FormProvider } from '../core/ports/form-provider.ts'
import type { VerifyToken } from '../core/ports/identity.ts'
import type { KoaApplication, KoaMiddleware } from '../core/ports/koa.ts'
import type { OperationMeter } from '../core/ports/telemetry.ts'
import type { HealthRoutes, HealthRoutesOptions } from '../web/http/health-routes.ts'
import type { CloseOptions, Ending } from './parts/closing.ts'
import type { ToolServices } from './tiers/tool-tier.ts'

/** The services of the vault for an attached provider. */
export interface ProviderServices extends ToolServices {
  /** Revokes credentials, for `invalidateCredentials`. */
  readonly revoke: CredentialWriter['revoke']
}

/** An opened vault: backend, pending store, identity, audit and keys, and the routes that serve the form. */
export interface CredentialVault {
  readonly serverBaseUrl: URL
  /** The user of the current request, set by the bearer gate. */
  readonly userContext: AsyncLocalStorage<User>
  /** Checks access tokens as the bearer gate does. */
  readonly verifyToken: VerifyToken
  /** Measures what a mount of the MCP endpoint is asked. */
  readonly operations?: OperationMeter
  /** Paths that must be reachable without a token: form, users' own page, login, callback, sign-out, assets, metadata. */
  readonly openPaths: readonly string[]
  /** The middleware that `register` mounts: form, login and metadata. It passes every other path on. */
  readonly routes: KoaMiddleware
  /** Serves form, login and metadata on a Koa application. Further calls for the same application have no effect. */
  register(app: KoaApplication): void
  /**
   * The same routes for Express, Fastify or plain `node:http`. Mount it before anything that reads bodies: at the root, or at
   * `{base path}/credentials` to leave the metadata to a server that has its own. Calls `next` for every other path.
   */
  nodeHandler(): NodeHandler
  /** Koa middleware that lets only requests with a good access token through (RFC 6750, RFC 9728). */
  bearerGate(): KoaMiddleware
  /** Ends every browser session of the owner that began before now, on every replica. */
  endSessions(owner: Owner): Promise<void>
  /**
   * Ends everything of an owner who has left: browser sessions, links, waiting calls, every credential, and what running calls of this
   * process have read and not yet used. A failure does not keep the rest from being done.
   *
   * @returns what was revoked, and what is `left`: call it again until that is empty. `caches` there: other replicas were not told
   * @throws `owner_unknown` for an owner that no token could name
   * @example
   * const { left } = await vault.offboard({ issuer: 'https://login.example.com', subject: 'alice' })
   */
  offboard(owner: Owner, choices?: OffboardingChoices): Promise<Offboarded>
  /** What happens to credentials in this process, for code that embeds the vault. */
  readonly events: VaultEvents
  /** Parts that are failing, each with a stable code. Empty if all is well. */
  problems(): ReadonlyMap<HealthPart, string>
  /**
   * Attaches a provider: serves `form`, returns the provider's services, and runs `end` when the vault closes. The same definition may be
   * attached again, as a server made for each connection does. Another definition under the same name is `configuration_invalid`, unless it
   * `replaces` the known one, as a reloaded configuration does. The former `end` is then its owner's to run.
   */
  attach(form: FormProvider, end: () => Promise<void>, options?: { readonly replaces?: boolean }): ProviderServices
  /**
   * Resolves once the store has refused to let this process read the credentials of each attached provider. Only a form tier has it, which
   * serves no page before. A call after a failure tries again.
   *
   * @throws `configuration_invalid` (`tier_keys`) if a login may read; `unavailable` and the like if the store could not be asked
   */
  proven?(): Promise<void>
  /** Runs `end` when the vault closes. Its stores stay open until `end` resolves, unless the time is up. */
  onClose(end: Ending): void
  /**
   * Serves `GET /healthz` and `GET /readyz`, for servers of your own. They name failing parts by stable codes, and nothing else.
   *
   * @example
   * app.use(vault.healthRoutes().routes)
   */
  healthRoutes(options?: HealthRoutesOptions): HealthRoutes
  /**
   * Ends the vault in order: `/readyz` answers 503, waiting calls are answered with what to do next, new calls are refused, running calls
   * and saves finish, the log is flushed, the stores are closed. Keep the server listening meanwhile, and end it afterwards. A second call
   * waits for the first.
   *
   * @throws the first error of a part that could not be closed; the others are closed all the same
   * @example
   * process.once('SIGTERM', async () => {
   *   await vault.close()
   *   server.close()
   *   server.closeAllConnections()
   * })
   */
  close(options?: CloseOptions): Promise<void>
}
