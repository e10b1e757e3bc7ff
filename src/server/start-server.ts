import Koa from 'koa'
import { warnAbout } from '../core/host/process-warning.ts'
import { silenceGoneClients } from '../core/koa/client-gone.ts'
import { isLoopback } from '../core/network/loopback.ts'
import { basePathOf, urlBelow } from '../core/network/server-base-url.ts'
import type { ServerTier } from '../core/ports/store-keys.ts'
import type { CredentialVault } from '../vault/credential-vault.ts'
import { errorOfEnvironment, vaultOptionsFromEnvironment } from '../vault/environment/vault-options-from-environment.ts'
import { openVault } from '../vault/open-vault.ts'
import type { OpenVaultOptions } from '../vault/parts/open-vault-options.ts'
import { shareVault } from '../vault/provider/provider-vault.ts'
import { openFormTierVault, openToolTierVault } from '../vault/tier-vaults.ts'
import { accessLog } from './access-log.ts'
import { healthReport } from './health-report.ts'
import { addressOf, listen } from './listen.ts'
import { type McpMode, type ServedContent, servedTools } from './mcp-endpoint.ts'
import { type Observation, openObservation } from './observation.ts'
import { refuseUnfitStart } from './start-refusals.ts'
import type { ToolsModule } from './tools-module.ts'

export interface StartOptions extends ServeOptions {
  readonly tools: ToolsModule
  readonly mode: McpMode
}

export interface ServeOptions {
  readonly port: number
  readonly host: string
  /** `form`: the pages alone. `tool`: the tools alone. Default `all`, both in one process. */
  readonly tier?: ServerTier
  /** Override what the environment says. */
  readonly given?: Partial<OpenVaultOptions>
}

export interface RunningServer {
  /** URL of the MCP endpoint, or of the owners' own page for a form tier. */
  readonly url: string
  /** Address on which it listens, e.g. `http://127.0.0.1:8005`. */
  readonly address: string
  /**
   * Ends it in order: answers waiting calls, lets running calls and saves finish, then closes. At most 25 s.
   *
   * @param signal the one that ends the process, for the log
   */
  close(signal?: NodeJS.Signals): Promise<void>
}

/** Most seconds that closing may take: Kubernetes kills a process after 30. */
export const CLOSES_WITHIN = 25
/** Milliseconds of it for clients to take their last answers. */
const LAST_ANSWERS = 1_000

/** Starts the runnable server: vault from the environment, form, metadata, MCP endpoint and health on one port. */
export function startServer({ tools, mode, ...start }: StartOptions): Promise<RunningServer> {
  return startServing(() => servedTools(tools, mode), start)
}

/** Starts a server for some content. `load` is called once the vault is open. */
export async function startServing(
  load: (observed: Observation) => Promise<ServedContent>,
  start: ServeOptions,
): Promise<RunningServer> {
  const { host, tier = 'all', given } = start
  const options = vaultOptionsFromEnvironment(process.env, given, tier === 'all' ? {} : { tier })
  refuseUnfitStart(options, { host, tier, ownAudit: given?.audit !== undefined })
  const observed = await openObservation(process.env)
  const { trustedProxies = 0 } = options
  try {
    const vault = await OPENERS[tier]({ ...options, telemetry: observed.telemetry }).catch((error: unknown) => {
      throw errorOfEnvironment(process.env, error)
    })
    try {
      shareVault(vault)
      return await serve(vault, await load(observed), { ...start, observed, trustedProxies })
    } catch (error) {
      // Close the vault, so that its audit log ends in order.
      await vault.close().catch(() => {})
      throw error
    }
  } catch (error) {
    await observed.close()
    throw error
  }
}

const OPENERS = { all: openVault, form: openFormTierVault, tool: openToolTierVault } as const

interface ServeParts extends ServeOptions {
  readonly observed: Observation
  readonly trustedProxies: number
}

async function serve(
  vault: CredentialVault,
  content: ServedContent,
  { port, host, tier = 'all', observed, trustedProxies }: ServeParts,
): Promise<RunningServer> {
  const app = new Koa()
  silenceGoneClients(app, observed.httpError)
  const base = basePathOf(vault.serverBaseUrl)
  const routes = [...content.routes.map((route) => base + route), '/health', '/healthz', '/readyz', ...vault.openPaths]
  app.use(accessLog({ log: observed.logOf('http'), routes, trustedProxies }))
  app.use(vault.healthRoutes().routes)
  app.use(healthReport(vault))
  vault.register(app)
  if (tier !== 'form') app.use(content.mount(vault))
  // Links of an earlier run need the providers before the first client connects.
  await content.declareProviders(vault)
  await vault.proven?.()
  const server = await listen(app, port, host)
  const bound = addressOf(server)
  const { what, path } = tier === 'form' ? { what: 'Pages', path: '/credentials' } : content
  const url = urlBelow(vault.serverBaseUrl, path).href
  // In front of two tiers there is a proxy.
  if (tier === 'all' && trustedProxies === 0) warnOfOtherPort(vault.serverBaseUrl, Number(new URL(bound).port || 80))
  observed.logOf('server')('info', `Listening on ${bound}. ${what}: ${url}`)
  return {
    url,
    address: bound,
    async close(signal) {
      // It listens until the vault is closed: /readyz says why it takes no calls, and a form that is being filled in can be saved.
      try {
        await vault.close({ withinSeconds: CLOSES_WITHIN - 2, ...(signal && { signal }) })
      } finally {
        const closed = new Promise((resolve) => server.close(resolve))
        const late = setTimeout(() => server.closeAllConnections(), LAST_ANSWERS)
        await closed
        clearTimeout(late)
        await observed.close()
      }
    },
  }
}

// Behind a proxy the two may differ. On loopback without one, every link would fail.
function warnOfOtherPort(serverBaseUrl: URL, port: number): void {
  if (!isLoopback(serverBaseUrl) || Number(serverBaseUrl.port || 80) === port) return
  warnAbout('server')(
    `The server listens on port ${port}, but links lead to ${serverBaseUrl.href} (MCP_SERVER_BASE_URL). Set its port to ${port}, or start with --port ${serverBaseUrl.port || 80}. If a proxy on this machine passes requests on, set MCP_TRUSTED_PROXIES instead.`,
  )
}
