import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import Koa from 'koa'
import { z } from 'zod'
import { jsonLinesAudit } from './audit/json-lines.ts'
import type { AuditSink } from './core/audit-sink.ts'
import type { BrowserSessions } from './core/browser-sessions.ts'
import { createCredentials } from './core/credentials.ts'
import { CredentialVaultError } from './core/errors.ts'
import { createHealth } from './core/health.ts'
import type { IdentityMode, VerifyToken } from './core/identity.ts'
import { findKey } from './core/key-source.ts'
import { parseOptions } from './core/options.ts'
import { checkOwner, type User } from './core/owner.ts'
import { createPendingRequests } from './core/pending-requests.ts'
import type { PendingStore } from './core/pending-store.ts'
import { createSealer } from './core/seal.ts'
import type { SecretBackend } from './core/secret-backend.ts'
import { sodiumReady } from './core/sodium.ts'
import type { CredentialVault, OwnerFrom } from './credential-vault.ts'
import { localUser } from './identity/local-user.ts'
import { isLoopback } from './identity/loopback.ts'
import { ownerFromAuthInfo } from './owner-from-auth-info.ts'
import { memoryPendingStore } from './pending/memory.ts'
import { memoryBrowserSessions } from './pending/memory-browser-sessions.ts'
import { checkServerBaseUrl } from './server-base-url.ts'
import { createBearerGate } from './web/bearer-gate.ts'
import type { FormProvider } from './web/form-provider.ts'
import { protectedResourceMetadata } from './web/protected-resource-metadata.ts'
import { createVaultRoutes } from './web/vault-routes.ts'

export interface OpenVaultOptions {
  /** Where users' browsers and MCP clients reach this server: https, or http on loopback. No query or fragment. */
  readonly serverBaseUrl: string | URL
  /** Where credentials live, e.g. `sealedFile({ folder: './data' })`. */
  readonly backend: SecretBackend
  /** Who people are: `oidc({ issuer, clientId })` or, on loopback only, `localUser()`, which is the default there. */
  readonly identity?: IdentityMode
  /** Where pending requests live. Default `memoryPendingStore()`: one process. */
  readonly pendingStore?: PendingStore
  /** What ends browser sessions. Default `memoryBrowserSessions()`: one process. */
  readonly browserSessions?: BrowserSessions
  /** Where audit lines go. Default `jsonLinesAudit({ folder: './data/audit' })`. */
  readonly audit?: AuditSink
  /**
   * Key that seals cookies, references, pending requests and links, in the text form that `keygen` prints. Default `MCP_WEB_KEY` or
   * `MCP_WEB_KEY_FILE`, else derived from the backend's own key, else, with a pending store in memory, made afresh by this process.
   */
  readonly webKey?: string
  /** How long a link works, in seconds, 60 to 3600. Default 600. */
  readonly linkTtlSeconds?: number
  /** A browser session ends after this many seconds without a request, 60 to 86400. Default 900. */
  readonly sessionIdleSeconds?: number
  /** A browser session ends this many seconds after the login at the latest, 60 to 86400. Default 3600. */
  readonly sessionMaxSeconds?: number
  /** How many proxies of yours append to `X-Forwarded-For`, 0 to 10. Default 0: the header is ignored. */
  readonly trustedProxies?: number
  /** What users call this server. Default the host of `serverBaseUrl`. */
  readonly serverName?: string
  /** Checks access tokens in place of the identity mode's own verifier. */
  readonly verifyToken?: VerifyToken
  /** Finds the owner in what a verifier left on the request. Default: `extra.iss` and `extra.sub`, as our bearer gate fills them. */
  readonly ownerFrom?: OwnerFrom
  /** Hears warnings for operators; never a secret. Default: standard error. */
  readonly warn?: (message: string) => void
}

const object = (message: string) => z.custom<object>((value) => typeof value === 'object' && value !== null, message)
const callable = z.custom<(...parameters: never[]) => unknown>(
  (value) => typeof value === 'function',
  'must be a function',
)

const optionsSchema = z.strictObject({
  serverBaseUrl: z.union([z.string(), z.instanceof(URL)], 'must be the URL under which this server is reached'),
  backend: object('must be a secret backend such as sealedFile({ folder })'),
  identity: object('must be oidc({ … }) or localUser({ … })').optional(),
  pendingStore: object('must be a pending store such as memoryPendingStore()').optional(),
  browserSessions: object('must be browser sessions such as memoryBrowserSessions()').optional(),
  audit: object('must be an audit sink such as jsonLinesAudit({ folder })').optional(),
  webKey: z.string().optional(),
  linkTtlSeconds: z.int().min(60).max(3600).default(600),
  sessionIdleSeconds: z.int().min(60).max(86_400).default(900),
  sessionMaxSeconds: z.int().min(60).max(86_400).default(3600),
  trustedProxies: z.int().min(0).max(10).default(0),
  serverName: z.string().min(1).max(100).optional(),
  verifyToken: callable.optional(),
  ownerFrom: callable.optional(),
  warn: callable.optional(),
})

/**
 * Opens the vault and refuses to start when anything about it is unsafe or unclear: keys, identity, URL, store, cryptography.
 *
 * @throws `configuration_invalid`, `key_wrong`, `key_missing`, `key_exposed`, `key_malformed`, `unavailable`, `unsupported`
 */
export async function openVault(options: OpenVaultOptions): Promise<CredentialVault> {
  const checked = parseOptions(optionsSchema, options, 'openVault')
  const { backend, ownerFrom = ownerFromAuthInfo, warn = warnOnStandardError } = options
  const serverBaseUrl = checkServerBaseUrl(checked.serverBaseUrl, 'openVault.serverBaseUrl')
  refuseUnverifiedTls()
  await sodiumReady()

  const callbackUrl = new URL(`${basePath(serverBaseUrl)}/credentials/callback`, serverBaseUrl)
  const opened = await (options.identity ?? defaultIdentity(serverBaseUrl)).open({ serverBaseUrl, callbackUrl, warn })
  const identity = options.verifyToken ? { ...opened, verifyToken: options.verifyToken } : opened

  const pendingStore = options.pendingStore ?? memoryPendingStore()
  await backend.open()
  const sealer = createSealer(findWebKey(options.webKey, backend, pendingStore))
  const audit = options.audit ?? jsonLinesAudit({ folder: './data/audit' })
  const health = createHealth(warn)
  const sessions = options.browserSessions ?? memoryBrowserSessions()
  const userContext = new AsyncLocalStorage<User>()
  const providers = new Map<string, FormProvider>()
  const pendingRequests = createPendingRequests({ store: pendingStore, sealer, linkTtlSeconds: checked.linkTtlSeconds })
  const credentials = createCredentials({ backend, audit, health })
  const { sessionIdleSeconds, sessionMaxSeconds, trustedProxies, serverName = serverBaseUrl.host } = checked
  const parts = {
    serverBaseUrl,
    providers,
    pendingRequests,
    identity,
    sessions,
    sealer,
    audit,
    health,
    options: { sessionIdleSeconds, sessionMaxSeconds, trustedProxies, serverName },
  }
  const routes = createVaultRoutes(parts)
  const metadata = protectedResourceMetadata(parts)
  const registered = new WeakSet<Koa>()
  const endings: (() => Promise<void>)[] = []
  const providerEndings = new Map<string, () => Promise<void>>()

  const vault: CredentialVault = {
    serverBaseUrl,
    userContext,
    verifyToken: identity.verifyToken,
    openPaths: [...routes.openPaths, ...metadata.openPaths],

    routes: (ctx, next) => routes.middleware(ctx, () => metadata.middleware(ctx, next)),

    register(app) {
      if (registered.has(app)) return
      registered.add(app)
      app.use(vault.routes)
    },

    nodeHandler() {
      const app = new Koa()
      const passedOn = new WeakMap<IncomingMessage, (error?: unknown) => void>()
      vault.register(app)
      app.use((ctx) => {
        const next = passedOn.get(ctx.req)
        if (!next) return
        ctx.respond = false
        // Koa has set 404 by now; whoever answers next starts from the default.
        ctx.res.statusCode = 200
        next()
      })
      const handle = app.callback()
      return (request, response, next) => {
        if (next) passedOn.set(request, next)
        void handle(request, response)
      }
    },

    bearerGate: () => createBearerGate(parts, { userContext }),

    async endSessions(owner) {
      const { issuer, subject } = checkOwner(owner)
      const now = Date.now()
      const name = sealer.mac('owner', issuer, subject).toString('base64url')
      await sessions.endAll(name, now, now + sessionMaxSeconds * 1000)
    },

    problems: () => health.problems(),

    attach(form, end) {
      const known = providers.get(form.name)
      if (known && !sameDefinition(known, form)) {
        throw new CredentialVaultError(
          'configuration_invalid',
          `This vault has another provider named ${form.name} already. Give each its own name.`,
          { reason: 'provider_name_taken' },
        )
      }
      providers.set(form.name, form)
      providerEndings.set(form.name, end)
      return { credentials, pendingRequests, sealer, audit, ownerFrom }
    },

    onClose: (end) => void endings.push(end),

    async close() {
      await Promise.all([...endings.splice(0), ...providerEndings.values()].map((end) => end()))
      await pendingStore.shutdown()
      await backend.close()
      await audit.close()
    },
  }
  return vault
}

function sameDefinition(a: FormProvider, b: FormProvider): boolean {
  const definition = ({ label, variables, doc, destinations }: FormProvider) => ({
    label,
    variables,
    doc,
    destinations,
  })
  return isDeepStrictEqual(definition(a), definition(b))
}

function basePath(serverBaseUrl: URL): string {
  return serverBaseUrl.pathname.replace(/\/$/, '')
}

function defaultIdentity(serverBaseUrl: URL): IdentityMode {
  if (isLoopback(serverBaseUrl)) return localUser()
  throw new CredentialVaultError(
    'configuration_invalid',
    'openVault.identity: nothing says who may submit the form, and this server is not on loopback. ' +
      'Set one of: oidc({ issuer, clientId }), the default everywhere; localUser(), for one person on http://localhost.',
    { reason: 'identity_missing' },
  )
}

function findWebKey(text: string | undefined, backend: SecretBackend, pendingStore: PendingStore): Uint8Array {
  const derived = backend.deriveKey?.('web')
  const configured = findKey({ name: 'MCP_WEB_KEY', text })
  if (configured) return configured.key
  if (derived) return derived
  if (!pendingStore.shared) return randomBytes(32)
  throw new CredentialVaultError(
    'configuration_invalid',
    'openVault.webKey: links and cookies need a key that every replica has. Make one with "mcp-credential-vault keygen" and set MCP_WEB_KEY_FILE.',
    { reason: 'web_key_missing' },
  )
}

function refuseUnverifiedTls(): void {
  if (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return
  throw new CredentialVaultError(
    'configuration_invalid',
    'NODE_TLS_REJECT_UNAUTHORIZED=0 switches off every certificate check in this process. Unset it, and name your own authority in NODE_EXTRA_CA_CERTS.',
    { reason: 'tls_unverified' },
  )
}

function warnOnStandardError(message: string): void {
  process.stderr.write(`mcp-credential-vault: ${message}\n`)
}
