import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type Koa from 'koa'
import { jsonLinesAudit } from '../audit/json-lines.ts'
import { createCredentials, newCorrelationId } from '../core/credentials/credentials.ts'
import { deriveKey } from '../core/crypto/derive-key.ts'
import { findKey } from '../core/crypto/key-source.ts'
import { createSealer } from '../core/crypto/seal.ts'
import { sodiumReady } from '../core/crypto/sodium.ts'
import { createCrossingWatch } from '../core/echo-guard/crossing-watch.ts'
import { warnAbout } from '../core/host/notice.ts'
import { createHealth } from '../core/journal/health.ts'
import { createJournal, type Journal } from '../core/journal/journal.ts'
import { auditWithOwnErrors, pendingStoreWithOwnErrors } from '../core/journal/own-errors.ts'
import { withDeadline } from '../core/model/deadline.ts'
import { CredentialVaultError } from '../core/model/errors.ts'
import { parseOptions } from '../core/model/options.ts'
import { checkOwner, type User } from '../core/model/owner.ts'
import { isLoopback } from '../core/network/loopback.ts'
import { checkServerBaseUrl, urlBelow } from '../core/network/server-base-url.ts'
import type { FormProvider } from '../core/ports/form-provider.ts'
import type { IdentityMode } from '../core/ports/identity.ts'
import type { PendingStore } from '../core/ports/pending-store.ts'
import type { SecretBackend } from '../core/ports/secret-backend.ts'
import { createPendingRequests } from '../core/requests/pending-requests.ts'
import { localUser } from '../identity/local-user.ts'
import { severalIssuers } from '../identity/several-issuers.ts'
import { memoryPendingStore } from '../pending/memory.ts'
import { memoryBrowserSessions } from '../pending/memory-browser-sessions.ts'
import { createBearerGate } from '../web/bearer/bearer-gate.ts'
import { protectedResourceMetadata } from '../web/bearer/protected-resource-metadata.ts'
import { createNodeHandler } from '../web/http/node-handler.ts'
import { LOGIN_SECONDS } from '../web/session/login-cookie.ts'
import { createVaultRoutes } from '../web/vault-routes.ts'
import type { CredentialVault } from './credential-vault.ts'
import { type OpenVaultOptions, openVaultOptions } from './open-vault-options.ts'
import { ownerFromAuthInfo } from './owner-from-auth-info.ts'

/**
 * Opens the vault and refuses to start when anything about it is unsafe or unclear: keys, identity, URL, store, cryptography.
 *
 * @throws `configuration_invalid`, `key_wrong`, `key_missing`, `key_exposed`, `key_malformed`, `unavailable`, `unsupported`
 */
export async function openVault(options: OpenVaultOptions): Promise<CredentialVault> {
  const checked = parseOptions(openVaultOptions, options, 'openVault')
  const { backend, ownerFrom = ownerFromAuthInfo } = options
  const warnOf = (place: string) => options.warn ?? warnAbout(place)
  const serverBaseUrl = checkServerBaseUrl(checked.serverBaseUrl, 'openVault.serverBaseUrl')
  refuseUnverifiedTls()
  await sodiumReady()

  const callbackUrl = urlBelow(serverBaseUrl, '/credentials/callback')
  const opened = await identityMode(options.identity, serverBaseUrl).open({
    serverBaseUrl,
    callbackUrl,
    warn: warnOf('identity'),
  })
  const identity = options.verifyToken
    ? { ...opened, verifyToken: options.verifyToken, noAccessToken: undefined }
    : opened

  const pendingStore = pendingStoreWithOwnErrors(options.pendingStore ?? memoryPendingStore())
  const audit = auditWithOwnErrors(options.audit ?? jsonLinesAudit({ folder: './data/audit', warn: warnOf('audit') }))
  const createdKeys: string[] = []
  await withDeadline(backend.name, OPEN_DEADLINE, () =>
    backend.open({ keyCreated: (keyId) => void createdKeys.push(keyId) }),
  )
  const sealer = await orClose([backend, audit], async () => {
    const webKey = findWebKey(options.webKey, backend, pendingStore, warnOf('keys'))
    await audit.open?.(backend.deriveKey?.('audit'))
    return createSealer(webKey)
  })
  const health = createHealth(warnOf('health'), (part, problem) => {
    // The log reports its own failures, and a crossing has a line of its own.
    if (part === 'audit' || part === 'calls') return
    const event = problem === undefined ? RECOVERED : { ...FAILED, reason: problem }
    const name = part === 'backend' ? backend.name : part
    void journal.note({ ...event, backend: name, correlationId: newCorrelationId() })
  })
  const journal: Journal = createJournal({ audit, health, warn: warnOf('audit') })
  await orClose([backend, audit], async () => {
    for (const keyId of createdKeys) {
      const event = { type: 'key.created', outcome: 'success', version: keyId, backend: backend.name } as const
      await journal.grant({ ...event, correlationId: newCorrelationId() })
    }
    if ((await backend.announceServer?.(serverBaseUrl.href)) && !pendingStore.shared) warnOf('server')(SECOND_SERVER)
  })
  const sessions = options.browserSessions ?? memoryBrowserSessions()
  let userContext: AsyncLocalStorage<User> | undefined
  const providers = new Map<string, FormProvider>()
  const pendingRequests = createPendingRequests({ store: pendingStore, sealer, linkTtlSeconds: checked.linkTtlSeconds })
  const credentials = createCredentials({ backend, journal, health, cacheTtl: checked.cacheSeconds * 1000 })
  const crossings = createCrossingWatch({ note: credentials.note, health })
  const {
    sessionIdleSeconds,
    sessionMaxSeconds,
    trustedProxies,
    hstsIncludeSubdomains,
    serverName = serverBaseUrl.host,
  } = checked
  const parts = {
    serverBaseUrl,
    providers,
    pendingRequests,
    identity,
    sessions,
    sealer,
    journal,
    health,
    warn: warnOf('form'),
    options: {
      sessionIdleSeconds,
      sessionMaxSeconds,
      trustedProxies,
      serverName,
      hstsIncludeSubdomains,
      ...(options.rateLimits && { rateLimits: options.rateLimits }),
    },
  }
  const routes = createVaultRoutes(parts)
  const metadata = protectedResourceMetadata(parts)
  const registered = new WeakSet<Koa>()
  const endings: (() => Promise<void>)[] = []
  const providerEndings = new Map<string, () => Promise<void>>()

  const vault: CredentialVault = {
    serverBaseUrl,
    get userContext() {
      userContext ??= new AsyncLocalStorage()
      return userContext
    },
    verifyToken: identity.verifyToken,
    openPaths: [...routes.openPaths, ...metadata.openPaths],

    routes: (ctx, next) => routes.middleware(ctx, () => metadata.middleware(ctx, next)),

    register(app) {
      if (registered.has(app)) return
      registered.add(app)
      app.use(vault.routes)
    },

    nodeHandler: () => createNodeHandler(vault.routes, (path) => routes.owns(path) || metadata.owns(path)),

    bearerGate() {
      // A server that is not on HTTP has no gate, and needs no token.
      if (identity.noAccessToken !== undefined) warnOf('identity')(identity.noAccessToken)
      return createBearerGate(parts, { userContext: () => userContext, allowedOrigins: checked.allowedOrigins })
    },

    async endSessions(owner) {
      const { issuer, subject } = checkOwner(owner)
      const now = Date.now()
      const name = sealer.mac('owner', issuer, subject).toString('base64url')
      // Includes sessions begun in this very millisecond, and lasts as long as a session whose login has begun by now.
      await sessions.endAll(name, now + 1, now + 1 + (LOGIN_SECONDS + sessionMaxSeconds) * 1000)
      await journal.note({
        type: 'login.ended',
        outcome: 'success',
        reason: 'ended_by_operator',
        owner: { issuer, subject },
        actor: { kind: 'operator' },
        correlationId: newCorrelationId(),
      })
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
      return {
        credentials,
        pendingRequests,
        sealer,
        crossings,
        ownerFrom,
        assertion: options.assertion,
        warn: warnOf('outgoing'),
      }
    },

    onClose: (end) => void endings.push(end),

    async close() {
      const parts = [...endings.splice(0), ...providerEndings.values()]
      const closed = await Promise.allSettled(parts.map(async (end) => end()))
      credentials.close()
      // Each whatever the others do; the audit log last, since the others may still write to it.
      for (const close of [
        () => pendingStore.shutdown(),
        () => backend.close(),
        () => journal.close(),
        () => audit.close(),
      ]) {
        closed.push(...(await Promise.allSettled([close()])))
      }
      const failed = closed.find((result) => result.status === 'rejected')
      if (failed) throw failed.reason
    },
  }
  return vault
}

const SECOND_SERVER =
  'Another server at this address uses the same store, and each keeps open requests and sessions in its own memory: a link that one has made is unknown to the other. Run one process, or give each an address of its own.'
const OPEN_DEADLINE = 30_000
const FAILED = { type: 'backend.error', outcome: 'error' } as const
const RECOVERED = { type: 'backend.recovered', outcome: 'success' } as const

/** A backend that was opened has logged in, and an audit log has begun; neither is left so when something else is found wrong. */
async function orClose<T>(opened: readonly { close(): Promise<void> }[], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await Promise.allSettled(opened.map((one) => one.close()))
    throw error
  }
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

function identityMode(given: OpenVaultOptions['identity'], serverBaseUrl: URL): IdentityMode {
  if (given !== undefined) return 'open' in given ? given : severalIssuers(given)
  if (isLoopback(serverBaseUrl)) return localUser()
  throw new CredentialVaultError(
    'configuration_invalid',
    'openVault.identity: nothing says who may submit the form, and this server is not on loopback. ' +
      'Set one of: oidc({ issuer, clientId }), the default everywhere; localUser(), for one person on http://localhost.',
    { reason: 'identity_missing' },
  )
}

function findWebKey(
  text: string | undefined,
  backend: SecretBackend,
  pendingStore: PendingStore,
  warn: (message: string) => void,
): Uint8Array {
  const derived = backend.deriveKey?.('web')
  const configured = findKey({ name: 'MCP_WEB_KEY', text, warn })
  if (configured && derived && Buffer.from(derived).equals(deriveKey(configured.key, 'derived web'))) {
    throw new CredentialVaultError(
      'configuration_invalid',
      'openVault.webKey: it is the same key as the store\'s. Whoever serves the form could then read the store. Make another one with "mcp-credential-vault keygen".',
      { reason: 'same_key' },
    )
  }
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
