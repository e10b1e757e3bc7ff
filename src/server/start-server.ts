import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import Koa from 'koa'
import { packageVersion } from '../core/host/package-version.ts'
import { warnAbout } from '../core/host/process-warning.ts'
import { CredentialVaultError } from '../core/model/errors.ts'
import { isUrl } from '../core/model/url-value.ts'
import { isLoopback } from '../core/network/loopback.ts'
import { urlBelow } from '../core/network/server-base-url.ts'
import type { BundleTier, ServerTier } from '../core/ports/store-keys.ts'
import { type CreateServer, mcpMount } from '../mcp/sdk-v1/mcp-mount.ts'
import type { CredentialVault } from '../vault/credential-vault.ts'
import { refuseSharedLog } from '../vault/environment/backend-of-tier.ts'
import { errorOfEnvironment, vaultOptionsFromEnvironment } from '../vault/environment/vault-options-from-environment.ts'
import { openVault } from '../vault/open-vault.ts'
import type { OpenVaultOptions } from '../vault/parts/open-vault-options.ts'
import { shareVault } from '../vault/provider/provider-vault.ts'
import { openFormTierVault, openToolTierVault } from '../vault/tier-vaults.ts'
import { silenceGoneClients } from '../web/http/client-gone.ts'
import { accessLog } from './access-log.ts'
import { type Observation, openObservation } from './observation.ts'
import type { DefineTools } from './tools-module.ts'

export interface StartOptions {
  readonly defineTools: DefineTools
  readonly port: number
  readonly host: string
  readonly mode: 'sessionful' | 'stateless'
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
export async function startServer(start: StartOptions): Promise<RunningServer> {
  const { host, tier = 'all', given } = start
  const options = vaultOptionsFromEnvironment(process.env, given, tier === 'all' ? {} : { tier })
  refuseNeighbours(options, host)
  if (tier === 'all') refuseOneTiersKeys(options)
  else {
    refuseOwnMemory(options, tier)
    if (!given?.audit) refuseSharedLog(options.backend, process.env, tier)
  }
  const observed = await openObservation(process.env)
  const { trustedProxies = 0 } = options
  try {
    const vault = await OPENERS[tier]({ ...options, telemetry: observed.telemetry }).catch((error: unknown) => {
      throw errorOfEnvironment(process.env, error)
    })
    try {
      return await serve(vault, { ...start, observed, trustedProxies })
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

interface ServeParts extends StartOptions {
  readonly observed: Observation
  readonly trustedProxies: number
}

async function serve(
  vault: CredentialVault,
  { defineTools, port, host, mode, tier = 'all', observed, trustedProxies }: ServeParts,
): Promise<RunningServer> {
  shareVault(vault)
  const implementation = { name: 'mcp-credential-vault', version: packageVersion() }
  const app = new Koa()
  silenceGoneClients(app, observed.httpError)
  const mount = urlBelow(vault.serverBaseUrl, '/mcp')
  const routes = [mount.pathname, '/health', '/healthz', '/readyz', ...vault.openPaths]
  app.use(accessLog({ log: observed.logOf('http'), routes, trustedProxies }))
  app.use(vault.healthRoutes().routes)
  app.use(healthRoute(vault))
  vault.register(app)
  const makeServer: CreateServer = async (serverOptions) => {
    const server = new McpServer(implementation, serverOptions)
    await defineTools(server, vault)
    return server
  }
  if (tier !== 'form') app.use(mcpMount(vault, makeServer, { mode }))
  // Defining tools registers their providers. Links of an earlier run need them before the first client connects.
  await defineTools(new McpServer(implementation), vault)
  await vault.proven?.()
  const server = await listen(app, port, host)
  const bound = addressOf(server)
  const [what, path] = tier === 'form' ? (['Pages', '/credentials'] as const) : (['MCP endpoint', '/mcp'] as const)
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

/** @throws `configuration_invalid` for a bundle, with which this process could do half of its work */
function refuseOneTiersKeys({ backend }: OpenVaultOptions): void {
  if (backend.name !== 'sealed-file' || !backend.principals) return
  throw new CredentialVaultError(
    'configuration_invalid',
    'environment.MCP_VAULT_BUNDLE_FILE: it holds the keys of one tier. Add --tier form or --tier tool, or set MCP_VAULT_KEY_FILE instead.',
    { reason: 'bundle_tier' },
  )
}

function refuseOwnMemory({ pendingStore }: OpenVaultOptions, tier: BundleTier): void {
  if (pendingStore?.shared) return
  throw new CredentialVaultError(
    'configuration_invalid',
    `environment.MCP_PENDING_STORE: the ${tier} tier and the other one are two processes, and open requests in the memory of one are unknown to the other. Set a pending store that both share, such as redis.`,
    { reason: 'option' },
  )
}

/**
 * Serves `GET /health`, which reports what calls and forms have met since the start; `/readyz` asks the parts themselves. Answers 200
 * `{"status":"ok"}`, or 503 with the parts that do not work and a stable code for each. It names no version, path or person.
 */
export function healthRoute(vault: CredentialVault): Koa.Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/health') return next()
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD')
      ctx.status = 405
      return
    }
    const problems = vault.problems()
    ctx.set('Cache-Control', 'no-store')
    ctx.set('X-Content-Type-Options', 'nosniff')
    ctx.status = problems.size === 0 ? 200 : 503
    ctx.body = problems.size === 0 ? { status: 'ok' } : { status: 'degraded', problems: Object.fromEntries(problems) }
  }
}

/** Refuses to listen beyond this machine without a login, where every caller would act as the local user. */
function refuseNeighbours({ identity, serverBaseUrl }: OpenVaultOptions, host: string): void {
  const listening = `http://${host.includes(':') ? `[${host}]` : host}`
  if (!isUrl(listening)) {
    throw new CredentialVaultError(
      'configuration_invalid',
      '--host is neither a host name nor an address. Correct it.',
      { reason: 'host' },
    )
  }
  const isLocal =
    identity === undefined || (!Array.isArray(identity) && 'mode' in identity && identity.mode === 'local-user')
  if (!isLocal || !isLoopback(new URL(serverBaseUrl)) || isLoopback(new URL(listening))) return
  throw new CredentialVaultError(
    'configuration_invalid',
    `There is no login, so anyone who can reach ${host} could act as the local user. Listen on 127.0.0.1, or set MCP_OIDC_ISSUER.`,
    { reason: 'local_user_host' },
  )
}

// Behind a proxy the two may differ. On loopback without one, every link would fail.
function warnOfOtherPort(serverBaseUrl: URL, port: number): void {
  if (!isLoopback(serverBaseUrl) || Number(serverBaseUrl.port || 80) === port) return
  warnAbout('server')(
    `The server listens on port ${port}, but links lead to ${serverBaseUrl.href} (MCP_SERVER_BASE_URL). Set its port to ${port}, or start with --port ${serverBaseUrl.port || 80}. If a proxy on this machine passes requests on, set MCP_TRUSTED_PROXIES instead.`,
  )
}

function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/** Milliseconds for a request and for its head, checked once a second, so that a slow sender cannot hold a connection. */
const TIMEOUTS = { requestTimeout: 30_000, headersTimeout: 15_000, connectionsCheckingInterval: 1_000 } as const

const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is used by another program: stop it, or choose another port with --port',
  EACCES: 'is not open to this user: choose one above 1023 with --port',
  EADDRNOTAVAIL: 'is not an address of this machine: choose another with --host',
  ENOTFOUND: 'is not an address of this machine: choose another with --host',
}

function listen(app: Koa, port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(TIMEOUTS, app.callback())
    server.listen(port, host, () => resolve(server))
    server.once('error', ({ code = '' }: NodeJS.ErrnoException) => {
      const why = LISTEN_PROBLEMS[code] ?? `cannot be used (${code})`
      reject(
        new CredentialVaultError('configuration_invalid', `Port ${port} on ${host} ${why}.`, {
          reason: 'port',
        }),
      )
    })
  })
}
