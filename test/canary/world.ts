import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Koa from 'koa'
import { pino } from 'pino'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'
import type { CredentialHandle } from '../../src/core/credentials/credential-handle.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { sodiumReady } from '../../src/core/crypto/sodium.ts'
import type { HealthPart } from '../../src/core/journal/health.ts'
import type { Owner } from '../../src/core/model/owner.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { oidc } from '../../src/identity/oidc.ts'
import { mcpMount, type ToolExtra } from '../../src/mcp/sdk-v1/index.ts'
import { memoryBrowserSessions } from '../../src/pending/memory-browser-sessions.ts'
import { memoryPendingStore } from '../../src/pending/memory-pending-store.ts'
import { healthReport } from '../../src/server/health-report.ts'
import { call } from '../../src/testing/secret-backend/calls.ts'
import type { CredentialVault, ProviderServices } from '../../src/vault/credential-vault.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import type { Link } from '../harness/browser/form-server.ts'
import { type Visitor, visitorOf } from '../harness/browser/visitor.ts'
import {
  browserClient,
  startIdentityProvider,
  type TestIdentityProvider,
} from '../harness/identity/identity-provider.ts'
import { type TestTelemetry, testTelemetry } from '../harness/telemetry.ts'
import { type Faults, faultyAudit, faultyBackend, faultySessions, watchedPendingStore } from './faults.ts'
import { type CanaryClient, connectClient } from './mcp-client.ts'
import { connectModern, MODERN_PATH, type ModernClients, type ModernProbe, modernMount } from './modern.ts'
import { recordedSend, type recordRequest, recordSockets, type Send } from './recording.ts'
import type { CanarySet } from './secrets.ts'
import { type Services, startServices } from './services.ts'
import type { CanaryStore, OpenCanaryStore } from './stores.ts'
import { plantingRoute, toolServer } from './tool-server.ts'
import { createTrace, type Trace } from './trace.ts'
import { canaryVariables } from './variables.ts'

export type Handle = CredentialHandle<typeof canaryVariables>

/** What the tool `probe` does in the call that comes next. */
export type Probe = (handle: Handle, extra: ToolExtra) => unknown

/** The whole product, opened once, with everything around it: identity provider, services, clients, browsers, and what watches them. */
export interface World {
  readonly secrets: CanarySet
  readonly trace: Trace
  /** Holds the data folder, the key, the audit log, and what goes to the system's folder for temporary files. */
  readonly root: string
  readonly dataFolder: string
  readonly keyFile: string
  readonly port: number
  readonly baseUrl: string
  readonly store: CanaryStore
  readonly vault: CredentialVault
  readonly telemetry: TestTelemetry
  /** With an account named `work` besides the one without a name. */
  readonly provider: CredentialsProvider<typeof canaryVariables, 'work'>
  readonly inner: ProviderServices
  readonly identityProvider: TestIdentityProvider
  readonly services: Services
  /** Public objects by name. Flows add those that exist only for a while. */
  readonly objects: Map<string, unknown>
  /** Everything that was thrown at a flow. */
  readonly errors: unknown[]
  readonly plantedProblems: Map<HealthPart, string>
  readonly send: Send
  readonly alice: Visitor
  readonly bob: Visitor
  faults: Faults
  probe: Probe
  /** As `probe`, of the mount for SDK 2.x. */
  modernProbe: ModernProbe
  readonly owner: Owner
  /** Alice's client: `asking` shows links to her, `plain` has no URL mode, `stateless` speaks to the stateless mount. */
  readonly clients: Readonly<Record<'asking' | 'plain' | 'stateless', CanaryClient>>
  /** Alice's clients of the mount for SDK 2.x. */
  readonly modern: ModernClients
  /** A client of its own for a flow that ends it. */
  connect(options?: Parameters<typeof connectClient>[3]): Promise<CanaryClient>
  /** A link for Alice, from a call whose client shows links as text. The tool `work` asks for the account of that name. */
  link(tool?: 'probe' | 'work'): Promise<Link>
  /** The link in a text. */
  linkIn(text: string): Link
  /** Saves Alice's credential through the form that the tool leads to. */
  saved(tool?: 'probe' | 'work'): Promise<void>
  /** Keeps what the work throws, and resolves with it. */
  thrown(work: () => unknown): Promise<unknown>
  /** Removes what the last flow left. */
  reset(): Promise<void>
  close(): Promise<void>
}

const OWNER_NAME = 'alice'

/** The names of the provider's accounts, as pages and stores have them. */
export const ACCOUNTS = ['canary', 'canary@work'] as const

export async function openWorld(secrets: CanarySet, openStore: OpenCanaryStore): Promise<World> {
  await sodiumReady()
  const trace = createTrace()
  const root = await mkdtemp(join(tmpdir(), 'canary-'))
  const keyFile = join(root, 'vault.key')
  const dataFolder = join(root, 'data')
  writeFileSync(keyFile, generateKeyText(), { mode: 0o600 })
  mkdirSync(join(root, 'tmp'))
  // Whatever writes uploads or the like to temporary files would write them into a folder that is searched.
  const formerTmp = process.env['TMPDIR']
  process.env['TMPDIR'] = join(root, 'tmp')

  const server = createServer()
  recordSockets(trace, server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const baseUrl = `http://localhost:${port}`
  const identityProvider = await startIdentityProvider({
    resource: `${baseUrl}/mcp`,
    clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
    intercept(request) {
      // Its body is for the provider itself to read; code and verifier are all that is in it.
      recordRequestHead(trace, request)
      return false
    },
  })
  const services = await startServices(trace)

  const idle = () => 'nothing to do'
  const state: Pick<World, 'faults' | 'probe' | 'modernProbe'> = { faults: {}, probe: idle, modernProbe: idle }
  const faults = () => state.faults
  const warn = (message: string) => trace.add('operator warnings', message)
  const store = await openStore({ dataFolder, keyFile, warn })
  const real = store.backend
  const backend = faultyBackend(real, faults)
  const pendingStore = watchedPendingStore(memoryPendingStore(), faults, (entry) =>
    trace.add('pending entries', JSON.stringify(entry) ?? ''),
  )
  const audit = faultyAudit(jsonLinesAudit({ folder: join(dataFolder, 'audit') }), faults)
  const browserSessions = faultySessions(memoryBrowserSessions(), faults)
  const identity = oidc({ issuer: identityProvider.issuer, clientId: 'form', scopes: ['mcp'] })
  const telemetry = testTelemetry()
  const vault = await openVault({
    serverBaseUrl: baseUrl,
    backend,
    audit,
    pendingStore,
    browserSessions,
    identity,
    rateLimits: { pagesPerMinute: 100_000, loginsPerMinute: 100_000, submitsPerMinute: 100_000 },
    warn,
    logger: pino({ level: 'debug' }, { write: (line) => trace.add('log', line) }),
    telemetry: telemetry.options,
  })
  const opened: { inner?: ProviderServices } = {}
  const provider = new CredentialsProvider({
    vault: {
      ...vault,
      attach(form, end) {
        opened.inner = vault.attach(form, end)
        return opened.inner
      },
    },
    name: 'canary',
    accounts: ['work'],
    variables: canaryVariables,
    destinations: services.destinations,
    tokenTimeoutSeconds: 20,
    verify: async (values, signal) => (await state.faults.verify?.(values, signal)) ?? { ok: true },
  })
  const { inner } = opened
  if (!inner) throw new Error('The provider did not attach to the vault.')

  const plantedProblems = new Map<HealthPart, string>()
  // As in production: nobody hears the application's errors, so Koa prints them.
  const app = new Koa()
  app.use(healthReport({ ...vault, problems: () => new Map([...vault.problems(), ...plantedProblems]) }))
  app.use(plantingRoute)
  provider.register(app)
  for (const [path, mode] of [
    ['/mcp', 'sessionful'],
    ['/stateless', 'stateless'],
  ] as const) {
    app.use(mcpMount(vault, (options) => toolServer(options, provider, () => state.probe), { path, mode }))
  }
  app.use(modernMount(vault, provider, () => state.modernProbe))
  server.on('request', app.callback())

  const send = recordedSend(trace, port)
  const issueToken = () => identityProvider.issueAccessToken(OWNER_NAME, { expiresIn: 7200 })
  const connect: World['connect'] = async (options = {}) =>
    connectClient(trace, `${baseUrl}/mcp`, await issueToken(), options)
  const clients = {
    asking: await connect({ urlMode: true }),
    plain: await connect(),
    stateless: await connectClient(trace, `${baseUrl}/stateless`, await issueToken(), { urlMode: true }),
  }
  const modern = await connectModern(trace, baseUrl + MODERN_PATH, issueToken)
  const owner = { issuer: identityProvider.issuer, subject: OWNER_NAME }
  const errors: unknown[] = []

  const world: World = {
    secrets,
    trace,
    root,
    dataFolder,
    keyFile,
    port,
    baseUrl,
    store,
    vault,
    telemetry,
    provider,
    inner,
    identityProvider,
    services,
    objects: new Map<string, unknown>(),
    errors,
    plantedProblems,
    send,
    alice: visitorOf({ send, provider: identityProvider }),
    bob: visitorOf({ send, provider: identityProvider }),
    get faults() {
      return state.faults
    },
    set faults(next) {
      state.faults = next
    },
    get probe() {
      return state.probe
    },
    set probe(next) {
      state.probe = next
    },
    get modernProbe() {
      return state.modernProbe
    },
    set modernProbe(next) {
      state.modernProbe = next
    },
    owner,
    clients,
    modern,
    connect,
    link: async (tool) => world.linkIn((await clients.plain.call(tool)).text),
    linkIn(text) {
      const url = new URL(/http:\/\/localhost:\d+\/credentials\/\S+/.exec(text)?.[0] ?? 'http://there.is.no.link')
      const handle = url.searchParams.get('t') ?? ''
      const provider = url.pathname.split('/')[2] ?? ''
      const path = (page: string) => `/credentials/${provider}/${page}?t=${handle}`
      const request = { provider, handle } as Link['request']
      return { request, entry: path('entry'), submit: path('submit'), cancel: path('cancel'), done: path('done') }
    },
    async saved(tool) {
      const saved = await world.alice.submit(await world.link(tool), secrets.values)
      if (saved.status !== 303) throw new Error(`The credential was not saved: ${saved.status}`)
    },
    async thrown(work) {
      try {
        return await work()
      } catch (error) {
        errors.push(error)
        return error
      }
    },
    async reset() {
      state.faults = {}
      const intent = { expect: 'any', purge: true, operationId: randomUUID() } as const
      // A claim that a fault left behind would keep the next flow's form closed.
      const user = { ...owner, clientId: 'test-mcp-client' }
      for (const account of ACCOUNTS) {
        const request = await inner.pendingRequests.openOrReuse({ provider: account, user, cause: 'absent' })
        await pendingStore.close(request.key, 'cancelled')
        await real.revoke(storageKey(account, owner), intent, call())
        inner.reader.forget(storageKey(account, owner))
      }
    },
    async close() {
      await Promise.all([...Object.values(clients), ...Object.values(modern)].map(({ client }) => client.close()))
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await vault.close()
      await telemetry.close()
      await store.close()
      await services.close()
      await identityProvider.close()
      if (formerTmp === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = formerTmp
      await rm(root, { recursive: true })
    },
  }
  const publicObjects = { vault, provider, inner, backend, pendingStore, browserSessions, audit, identity, app, server }
  for (const [name, object] of Object.entries({ ...publicObjects, ...inner })) world.objects.set(name, object)
  await signIn(world)
  return world
}

async function signIn(world: World): Promise<void> {
  const link = await world.link()
  await world.alice.signIn('alice', link)
  await world.bob.signIn('bob', link)
}

function recordRequestHead(trace: Trace, request: Parameters<typeof recordRequest>[1]): void {
  const { method, url, headers } = request
  trace.add('identity provider', `${method} ${url}\n${JSON.stringify(headers)}`)
}
