import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IdentityProviderUser } from '../../../examples/tickets/identity-provider.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { type FaultProxy, type ProxiedAnswer, type ProxiedRequest, startFaultProxy } from '../fault-proxy.ts'
import { freePort } from '../free-port.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../hashicorp-vault/open-bao.ts'
import { browserClient, startIdentityProvider, type TestIdentityProvider } from '../identity/identity-provider.ts'
import { type ConnectOptions, connectClient, type TestClient } from '../mcp-harness.ts'
import { compiled } from '../processes/compile-module.ts'
import { type Ended, endedProcess } from '../processes/ended-process.ts'
import { type RunningProcess, startProcess } from '../processes/running-process.ts'
import { type LoadBalancer, startNginx } from './nginx.ts'

export interface FleetOptions {
  readonly mode: 'sessionful' | 'stateless'
  /** Variables that name Redis, for all replicas. */
  readonly redis: NodeJS.ProcessEnv
  /** Where the tools' check of a token is answered. Without it they check none. */
  readonly service?: string
  /** Who can sign in. Default Alice and Bob. */
  readonly users?: readonly IdentityProviderUser[]
  /** Further variables, for all replicas. */
  readonly environment?: NodeJS.ProcessEnv
  /** Called after OpenBao has answered the request of a replica, and before the replica reads that answer. */
  readonly afterBackend?: (replica: Replica, request: ProxiedRequest, answer: ProxiedAnswer) => Promise<void>
}

export interface Replica {
  readonly name: string
  readonly port: number
  kill(): Promise<void>
  restart(): Promise<void>
  output(): string
}

export interface FleetClient extends TestClient {
  /** The replica that answered its latest request. */
  replica(): Replica
}

/** Three processes of `mcp-credential-vault start` behind nginx, which share Redis and OpenBao. */
export interface Fleet {
  readonly balancer: LoadBalancer
  readonly replicas: readonly Replica[]
  readonly bao: OpenBao
  readonly identityProvider: TestIdentityProvider
  /** The one whose turn comes after this one's. */
  after(replica: Replica): Replica
  /** To the replica whose turn it is, or to a certain one. */
  connect(user: string, options?: ConnectOptions, replica?: Replica): Promise<FleetClient>
  /** `mcp-credential-vault` on another machine with the same environment. */
  command(words: readonly string[]): Promise<Ended>
  owner(user: string): { readonly issuer: string; readonly subject: string }
  /** Removes what this user has stored, as an operator would. */
  forget(user: string): Promise<void>
  stop(): Promise<void>
}

const COUNT = 3

export async function startFleet({
  mode,
  redis,
  service,
  users,
  environment: further,
  afterBackend,
}: FleetOptions): Promise<Fleet> {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-'))
  const balancerPort = await freePort()
  const baseUrl = `http://localhost:${balancerPort}`
  const [bao, identityProvider] = await Promise.all([
    startOpenBao(),
    startIdentityProvider({
      resource: `${baseUrl}/mcp`,
      clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
      ...(users && { users }),
    }),
  ])
  const webKey = join(folder, 'web.key')
  writeFileSync(webKey, generateKeyText(), { mode: 0o600 })
  const main = compiled(join(import.meta.dirname, '../../../src/cli/main.ts'))
  const tools = compiled(join(import.meta.dirname, 'replica-tools.ts'))
  const environment = {
    MCP_SERVER_BASE_URL: baseUrl,
    MCP_VAULT_BACKEND: 'vault',
    VAULT_TOKEN: ROOT_TOKEN,
    MCP_WEB_KEY_FILE: webKey,
    MCP_OIDC_ISSUER: identityProvider.issuer,
    MCP_OIDC_CLIENT_ID: 'form',
    MCP_OIDC_SCOPES: 'mcp',
    MCP_CACHE_SECONDS: '300',
    MCP_SUBMITS_PER_MINUTE: '1000',
    MCP_TRUSTED_PROXIES: '1',
    ...(service !== undefined && { SERVICE_ORIGIN: service }),
    ...redis,
    ...further,
  }
  const proxies: FaultProxy[] = []
  const replicas: Replica[] = []
  for (let i = 1; i <= COUNT; i += 1) replicas.push(await startReplica(`replica-${i}`))
  const balancer = await startNginx({
    port: balancerPort,
    servers: replicas.map(({ port }) => port),
    sticky: mode === 'sessionful',
  })
  const clients: TestClient[] = []
  const replicaOn = (port: number) => {
    const found = replicas.find((replica) => replica.port === port)
    if (!found) throw new Error(`no replica on port ${port}`)
    return found
  }

  return {
    balancer,
    replicas,
    bao,
    identityProvider,
    after: (replica) => replicas[(replicas.indexOf(replica) + 1) % COUNT] ?? replica,
    async connect(user, options = {}, replica = undefined) {
      const token = await identityProvider.issueAccessToken(user)
      let port = replica?.port ?? 0
      const watching: typeof fetch = async (input, init) => {
        const response = await fetch(input, init)
        port = Number(/\d+$/.exec(response.headers.get('x-replica') ?? '')?.[0] ?? port)
        return response
      }
      const path = replica === undefined ? '/mcp' : `/mcp-${replica.port}`
      const client = await connectClient(balancer.url + path, token, { ...options, fetch: watching })
      clients.push(client)
      return { ...client, replica: () => replicaOn(port) }
    },
    command,
    owner,
    async forget(user) {
      const { issuer, subject } = owner(user)
      const done = await command(['revoke', 'jira', '--issuer', issuer, '--subject', subject, '--purge'])
      if (done.code !== 0 && !done.error.includes('[credential_absent]')) throw new Error(done.error)
    },
    async stop() {
      await Promise.all(clients.map(({ client }) => client.close()))
      await balancer.stop()
      await Promise.all(replicas.map((replica) => replica.kill()))
      await Promise.all([...proxies.map((proxy) => proxy.close()), bao.stop(), identityProvider.close()])
      rmSync(folder, { recursive: true, force: true })
    },
  }

  function owner(user: string) {
    return { issuer: identityProvider.issuer, subject: user }
  }

  function command(words: readonly string[]): Promise<Ended> {
    const own = { PATH: process.env['PATH'], HOME: folder, VAULT_ADDR: bao.address, ...auditIn('operator') }
    return endedProcess(process.execPath, [main, ...words], { env: { ...environment, ...own }, cwd: folder })
  }

  function auditIn(name: string): NodeJS.ProcessEnv {
    return { MCP_AUDIT_FOLDER: join(folder, name, 'audit'), MCP_VAULT_FOLDER: join(folder, name) }
  }

  async function startReplica(name: string): Promise<Replica> {
    const port = await freePort()
    const proxy =
      afterBackend &&
      (await startFaultProxy({
        target: bao.address,
        faultFor: () => 'none',
        after: async (request, answer) => afterBackend(replica, request, answer),
      }))
    if (proxy) proxies.push(proxy)
    const start = () =>
      startProcess(
        process.execPath,
        [main, 'start', tools, '--port', String(port), ...(mode === 'stateless' ? ['--stateless'] : [])],
        { ...environment, ...auditIn(name), VAULT_ADDR: proxy?.endpoint ?? bao.address, REPLICA: name },
        async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok,
      )
    let running: RunningProcess
    const replica: Replica = {
      name,
      port,
      kill: () => running.stop('SIGKILL'),
      async restart() {
        running = await start()
      },
      output: () => running.output(),
    }
    running = await start()
    return replica
  }
}
