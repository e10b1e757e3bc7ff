import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { type MemoryAudit, memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import type { CredentialWriter } from '../../../src/core/credentials/credential-writer.ts'
import { createSealer, type WebKeys } from '../../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { createDrain } from '../../../src/core/host/drain.ts'
import { createHealth, type Health } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { watchedPendingStore } from '../../../src/core/journal/watched-pending-store.ts'
import type { Owner } from '../../../src/core/model/owner.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { defineVariables, type VariablesOptions } from '../../../src/core/model/variables.ts'
import type { AuditSink } from '../../../src/core/ports/audit-sink.ts'
import type { BrowserSessions } from '../../../src/core/ports/browser-sessions.ts'
import type { FormProvider } from '../../../src/core/ports/form-provider.ts'
import type { Identity } from '../../../src/core/ports/identity.ts'
import type { PendingRequest } from '../../../src/core/ports/pending-request.ts'
import type { PendingStore } from '../../../src/core/ports/pending-store.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { createPendingRequests, type PendingRequests } from '../../../src/core/requests/pending-requests.ts'
import { type OidcOptions, oidc } from '../../../src/identity/oidc.ts'
import { memoryBrowserSessions } from '../../../src/pending/memory-browser-sessions.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import type { WebOptions, WebParts } from '../../../src/web/http/web-parts.ts'
import { createVaultRoutes } from '../../../src/web/page-middleware.ts'
import { type Credentials, createCredentials } from '../credential-services.ts'
import { browserClient, startIdentityProvider, type TestIdentityProvider } from '../identity/identity-provider.ts'

export const CLIENT_ID = 'credential-form'
/** Alice, Bob, and as many others as the limits for one person make necessary. */
export const PEOPLE = [
  { account: 'alice', name: 'Alice' },
  { account: 'bob', name: 'Bob' },
  ...Array.from({ length: 20 }, (_, index) => ({ account: `person-${index}`, name: `Person ${index}` })),
]
export const WEB_KEY = Buffer.alloc(32, 9)

export interface FormServerOptions {
  /** Where the server believes to be. `{port}` is filled in. Default `http://localhost:{port}`. */
  readonly serverBaseUrl?: string
  readonly variables?: VariablesOptions
  readonly provider?: Partial<FormProvider>
  /** Served besides `jira`, and like it but for these parts. */
  readonly otherProviders?: readonly (Partial<FormProvider> & Pick<FormProvider, 'name' | 'label'>)[]
  readonly backend?: SecretBackend
  /** The process cannot read values, so the account page offers no test. */
  readonly formTierOnly?: boolean
  readonly lastUsed?: WebParts['lastUsed']
  /** Replaces what the form saves with. */
  readonly save?: (...parameters: Parameters<CredentialWriter['save']>) => Promise<unknown>
  readonly options?: Partial<WebOptions>
  readonly sessions?: BrowserSessions
  readonly pendingStore?: PendingStore
  readonly linkTtlSeconds?: number
  /** Replaces the real identity provider. */
  readonly identity?: (issuer: string) => Identity
  /** Options of the real one. */
  readonly oidc?: Partial<OidcOptions>
  /** Reads the documents of MCP clients. */
  readonly readClientDocument?: WebParts['readClientDocument']
  /** Default {@link WEB_KEY}. */
  readonly webKeys?: WebKeys
  /** A provider that another server has started, whose callback is the same. */
  readonly sharedProvider?: TestIdentityProvider
  readonly wrap?: {
    readonly audit?: (audit: AuditSink) => AuditSink
    readonly pendingRequests?: (requests: PendingRequests) => PendingRequests
  }
}

export interface FormServer {
  readonly baseUrl: URL
  readonly port: number
  readonly issuer: string
  readonly provider: TestIdentityProvider | undefined
  readonly audit: MemoryAudit
  readonly health: Health
  readonly pendingRequests: PendingRequests
  readonly credentials: Credentials
  readonly errors: readonly Error[]
  /** Notices that operators got immediately. */
  readonly warnings: readonly string[]
  /** An open request of this user for `jira`. */
  ask(
    user: string,
    changes?: { clientName?: string; tool?: string; provider?: string; clientId?: string },
  ): Promise<Link>
  /** Returns the stored value of this user, or `absent`. */
  stored(user: string, provider?: string): Promise<Readonly<Record<string, string>> | 'absent'>
  send(request: RawRequest): Promise<RawResponse>
  close(): Promise<void>
}

export interface Link {
  readonly request: PendingRequest
  /** Path and query. */
  readonly entry: string
  readonly submit: string
  readonly cancel: string
  readonly done: string
}

export interface RawRequest {
  readonly method?: string
  readonly path: string
  /** Names to values; null leaves a header out that is otherwise set. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>
  readonly body?: string | Buffer
}

export interface RawResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export const PAT = 'jira-pat-CANARY-6b1f0c'

export const JIRA_VARIABLES: VariablesOptions = {
  site: {
    label: 'Site address',
    type: 'url',
    hint: 'For example https://acme.atlassian.net',
    allowedHosts: ['*.atlassian.net'],
  },
  pat: { label: 'Personal access token', type: 'password', hint: 'Starts with ATATT' },
  note: { label: 'Note', required: false },
}

export const GOOD_VALUES = { site: 'https://acme.atlassian.net', pat: PAT }

/** The pages over real HTTP, with a real identity provider and everything else in memory. */
export async function startFormServer(settings: FormServerOptions = {}): Promise<FormServer> {
  await sodiumReady()
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const baseUrl = new URL((settings.serverBaseUrl ?? 'http://localhost:{port}').replace('{port}', String(port)))
  const root = `${baseUrl.pathname.replace(/\/$/, '')}/credentials`
  const callbackUrl = new URL(`${root}/callback`, baseUrl)
  const resource = new URL(`${baseUrl.pathname.replace(/\/$/, '')}/mcp`, baseUrl).href
  const provider = settings.identity
    ? undefined
    : (settings.sharedProvider ??
      (await startIdentityProvider({
        resource,
        users: PEOPLE,
        clients: [browserClient(CLIENT_ID, [callbackUrl.href])],
      })))
  const issuer = provider?.issuer ?? 'https://login.example.com'
  const identity =
    settings.identity?.(issuer) ??
    (await oidc({ issuer, clientId: CLIENT_ID, ...settings.oidc }).open({
      serverBaseUrl: baseUrl,
      callbackUrl,
      warn: () => {},
    }))

  const sealer = createSealer(settings.webKeys ?? WEB_KEY)
  const audit = memoryAudit()
  const health = createHealth(() => {})
  const warnings: string[] = []
  const plainRequests = createPendingRequests({
    store: watchedPendingStore(settings.pendingStore ?? memoryPendingStore(), health),
    sealer,
    linkTtlSeconds: settings.linkTtlSeconds ?? 600,
  })
  const pendingRequests = settings.wrap?.pendingRequests?.(plainRequests) ?? plainRequests
  const backend = settings.backend ?? memoryBackend()
  const credentials = createCredentials({ backend, journal: createJournal({ audit, health }), health })
  const variables = defineVariables(settings.variables ?? JIRA_VARIABLES)
  const jira: FormProvider = {
    name: 'jira',
    label: 'Jira',
    variables,
    doc: undefined,
    destinations: ['Site address'],
    verify: async () => ({ ok: true }),
    ...settings.provider,
  }
  const otherProviders = (settings.otherProviders ?? []).map((other) => ({ ...jira, ...other }))
  const journal = createJournal({ audit: settings.wrap?.audit?.(audit) ?? audit, health })
  const routes = createVaultRoutes({
    serverBaseUrl: baseUrl,
    providers: new Map([jira, ...otherProviders].map((served) => [served.name, served])),
    pendingRequests,
    owned: credentials.owned,
    testStored: settings.formTierOnly ? undefined : credentials.testStored,
    lastUsed: settings.lastUsed,
    writer: { ...credentials, save: (settings.save ?? credentials.save) as CredentialWriter['save'] },
    identity,
    readClientDocument: settings.readClientDocument,
    sessions: settings.sessions ?? memoryBrowserSessions(),
    sealer,
    journal,
    health,
    drain: createDrain(),
    warn: (message) => warnings.push(message),
    options: {
      sessionIdleSeconds: 900,
      sessionMaxSeconds: 3600,
      trustedProxies: 1,
      serverName: 'Acme Tools',
      ...settings.options,
    },
  })
  const app = new Koa()
  const errors: Error[] = []
  app.on('error', (error: Error) => errors.push(error))
  app.use(routes.middleware)
  app.use((ctx) => {
    ctx.body = 'the application behind'
  })
  server.on('request', app.callback())

  const ownerOf = (user: string): Owner => ({ issuer, subject: user })
  return {
    baseUrl,
    port,
    issuer,
    provider,
    audit,
    health,
    pendingRequests,
    credentials,
    errors,
    warnings,
    async ask(user, { provider: name = 'jira', clientName, tool, clientId } = {}) {
      const request = await pendingRequests.openOrReuse({
        provider: name,
        user: { ...ownerOf(user), ...(clientId === undefined ? {} : { clientId }) },
        clientName,
        tool,
        cause: 'absent',
      })
      return linkOf(root, request)
    },
    async stored(user, name = 'jira') {
      const key = storageKey(name, ownerOf(user))
      const { status } = await credentials.status(key, { correlationId: 'test' })
      if (status !== 'active') return 'absent'
      return credentials.release(key, variables, { correlationId: 'test' })
    },
    send: (request) => send(port, baseUrl, request),
    async close() {
      if (!settings.sharedProvider) await provider?.close()
      await closeServer(server)
      await journal.close()
    },
  }
}

function linkOf(root: string, request: PendingRequest): Link {
  const path = (page: string) => `${root}/${request.provider}/${page}?t=${request.handle}`
  return { request, entry: path('entry'), submit: path('submit'), cancel: path('cancel'), done: path('done') }
}

let sent = 0

function send(
  port: number,
  baseUrl: URL,
  { method = 'GET', path, headers = {}, body }: RawRequest,
): Promise<RawResponse> {
  const all: Record<string, string | readonly string[] | null> = {
    host: baseUrl.host,
    // Each request comes from another address, so that limits by address are met only by tests that want them.
    'x-forwarded-for': `10.${sent >> 16}.${(sent >> 8) & 255}.${sent++ & 255}`,
    ...(method === 'POST'
      ? { origin: baseUrl.origin, 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' }
      : {}),
    ...headers,
  }
  const kept = Object.entries(all).filter((entry): entry is [string, string | string[]] => entry[1] !== null)
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { host: '127.0.0.1', port, method, path, headers: Object.fromEntries(kept), agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          })
        })
        response.on('error', reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
