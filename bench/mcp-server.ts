/**
 * The measured server, built as it is published, in a process of its own: gated and ungated tools, durable audit, real pages. The
 * environment may name another backend than the sealed file.
 */
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer as McpServerV2 } from '@modelcontextprotocol/server'
import Koa from 'koa'
import {
  type CallExtra,
  CredentialsProvider,
  createStores,
  generateKeyText,
  oidc,
  openVault,
} from 'mcp-credential-vault'
import { credentialGate, mcpMount } from 'mcp-credential-vault/mcp/sdk-v1'
import * as sdkV2 from 'mcp-credential-vault/mcp/sdk-v2'
import { storageKey } from '../dist/core/model/storage-key.js'
import type { IdentityReady, IdentityRequest } from './identity-server.ts'

const USERS = 32
const MODERN_PATH = '/modern'

/** What the driver asks of this process. */
export type BenchRequest = { readonly ask: string } | { readonly forget: string } | { readonly cpu: true }

/** What this process answers. */
export interface BenchAnswer {
  readonly url?: string
  /** CPU time of this process so far, all threads, in microseconds. */
  readonly cpu?: number
}

/** First message to the driver. */
export interface BenchReady {
  readonly baseUrl: string
  /** Where the mount for SDK 2.x is. */
  readonly modernPath: string
  readonly issuer: string
  readonly users: readonly { readonly name: string; readonly token: string }[]
}

const folder = mkdtempSync(join(tmpdir(), 'bench-mcp-'))
const keyFile = join(folder, 'vault.key')
writeFileSync(keyFile, generateKeyText(), { mode: 0o600 })

const app = new Koa()
const server = createServer()
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`
const names = Array.from({ length: USERS }, (_, index) => `user-${index}`)
const { issuer, users } = await startIdentityServer({ baseUrl, users: names })
const stores = createStores({ ...process.env, MCP_VAULT_FOLDER: join(folder, 'data'), MCP_VAULT_KEY_FILE: keyFile })
const vault = await openVault({
  serverBaseUrl: baseUrl,
  ...stores,
  identity: oidc({
    issuer,
    clientId: 'form',
    scopes: ['mcp'],
    rememberTokenSeconds: Number(process.env['BENCH_REMEMBER_SECONDS'] ?? 0),
  }),
  rateLimits: { pagesPerMinute: 1_000_000, loginsPerMinute: 1_000_000, submitsPerMinute: 1_000_000 },
  sessionIdleSeconds: 3600,
})
const variables = { pat: { label: 'Token', type: 'password' } } as const
const held = new CredentialsProvider({ vault, name: 'held', variables })
const asked = new CredentialsProvider({ vault, name: 'asked', variables })
held.register(app)

const ownerOf = (subject: string) => ({ issuer, subject })
for (const name of names) {
  await stores.backend.write(
    storageKey('held', ownerOf(name)),
    { pat: `tok-${name}-0123456789abcdef` },
    { expect: 'any', audit: { writer: 'bench', seq: 1 }, operationId: randomUUID() },
    { signal: AbortSignal.timeout(20_000), correlationId: randomUUID() },
  )
}

const text = (answer: string) => ({ content: [{ type: 'text' as const, text: answer }] })
const length = async (provider: typeof held, extra: CallExtra) =>
  text(String(await provider.getCredentials(extra).use(({ pat }) => pat.length)))
const ungated = async () => text('20')

app.use(
  mcpMount(vault, (options) => {
    const mcp = new McpServer({ name: 'bench', version: '1.0.0' }, options)
    const gate = credentialGate(mcp)
    mcp.registerTool('ungated', {}, ungated)
    mcp.registerTool(
      'gated',
      {},
      gate(held, (extra) => length(held, extra)),
    )
    mcp.registerTool(
      'waiting',
      {},
      gate(asked, (extra) => length(asked, extra)),
    )
    return mcp
  }),
)
app.use(
  sdkV2.mcpMount(
    vault,
    (options) => {
      const mcp = new McpServerV2({ name: 'bench', version: '1.0.0' }, options)
      mcp.registerTool('ungated', {}, ungated)
      mcp.registerTool(
        'gated',
        {},
        sdkV2.credentialGate(mcp)(held, (extra) => length(held, extra)),
      )
      return mcp
    },
    { path: MODERN_PATH },
  ),
)

server.on('request', app.callback())
process.on('message', (request: BenchRequest) => void answer(request))

async function answer(request: BenchRequest): Promise<void> {
  if ('cpu' in request) {
    const { user, system } = process.cpuUsage()
    process.send?.({ cpu: user + system } satisfies BenchAnswer)
    return
  }
  if ('forget' in request) {
    await asked.invalidateCredentials(ownerOf(request.forget))
    process.send?.({} satisfies BenchAnswer)
    return
  }
  const user = ownerOf(request.ask)
  const { url } = await asked.requestCredential({ user, correlationId: 'bench' }, 'absent')
  process.send?.({ url } satisfies BenchAnswer)
}

process.on('disconnect', () => {
  rmSync(folder, { recursive: true, force: true })
  process.exit(0)
})

process.send?.({ baseUrl, modernPath: MODERN_PATH, issuer, users } satisfies BenchReady)

/** It ends with this process. */
async function startIdentityServer(request: IdentityRequest): Promise<IdentityReady> {
  const child = fork(new URL('./identity-server.ts', import.meta.url), { execArgv: ['--import', 'tsx'] })
  child.send(request)
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as IdentityReady))
    child.once('exit', () => reject(new Error('The identity provider did not start.')))
  })
}
