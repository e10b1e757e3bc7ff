/** Holds calls that wait: behind our gate, behind it with Redis at the address that follows, or with the bare SDK. The driver sends the rest. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv'
import Koa from 'koa'
import { CredentialsProvider, generateKeyText, jsonLinesAudit, oidc, openVault, sealedFile } from 'mcp-credential-vault'
import { credentialGate, mcpMount, type ToolExtra } from 'mcp-credential-vault/mcp/sdk-v1'
import { redisBrowserSessions, redisChangeFeed, redisConnection, redisPendingStore } from 'mcp-credential-vault/redis'

export type WaitingRequest = { readonly issuer: string } | { readonly memory: true } | { readonly cpu: true }

export interface WaitingAnswer {
  readonly baseUrl?: string
  /** Resident set after a collection, in bytes. */
  readonly memory?: number
  /** Of it, what live objects use. */
  readonly heap?: number
  /** Milliseconds of CPU since the process began. */
  readonly cpu?: number
}

const server = createServer()
server.maxConnections = 30_000
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 1024, resolve))
const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`
const folder = mkdtempSync(join(tmpdir(), 'bench-waiting-'))

process.on('message', (request: WaitingRequest) => void answer(request))
process.on('disconnect', () => {
  rmSync(folder, { recursive: true, force: true })
  process.exit(0)
})
process.send?.({ baseUrl } satisfies WaitingAnswer)

async function answer(request: WaitingRequest): Promise<void> {
  if ('memory' in request) {
    for (let turn = 0; turn < 3; turn += 1) globalThis.gc?.()
    const { rss, heapUsed } = process.memoryUsage()
    process.send?.({ memory: rss, heap: heapUsed } satisfies WaitingAnswer)
    return
  }
  if ('cpu' in request) {
    const { user, system } = process.cpuUsage()
    process.send?.({ cpu: (user + system) / 1000 } satisfies WaitingAnswer)
    return
  }
  if (process.argv[2] === 'bare') serveBare()
  else await serveGated(request.issuer, process.argv[3])
  process.send?.({ baseUrl } satisfies WaitingAnswer)
}

async function serveGated(issuer: string, redis: string | undefined): Promise<void> {
  const keyFile = join(folder, 'vault.key')
  writeFileSync(keyFile, generateKeyText(), { mode: 0o600 })
  const app = new Koa()
  const vault = await openVault({
    serverBaseUrl: baseUrl,
    backend: sealedFile({ folder: join(folder, 'data'), keyFile }),
    audit: jsonLinesAudit({ folder: join(folder, 'audit') }),
    identity: oidc({ issuer, clientId: 'form', scopes: ['mcp'] }),
    ...(redis !== undefined && sharedIn(redis)),
    rateLimits: { pagesPerMinute: 1_000_000, loginsPerMinute: 1_000_000, submitsPerMinute: 1_000_000 },
  })
  const asked = new CredentialsProvider({
    vault,
    name: 'asked',
    variables: { pat: { label: 'Token', type: 'password' } },
    tokenTimeoutSeconds: 600,
  })
  asked.register(app)
  app.use(
    mcpMount(
      vault,
      (options) => {
        const mcp = new McpServer({ name: 'bench', version: '1.0.0' }, options)
        const work = (extra: ToolExtra) => asked.getCredentials(extra).use(({ pat }) => String(pat.length))
        mcp.registerTool(
          'waiting',
          {},
          credentialGate(mcp)(asked, async (extra: ToolExtra) => ({
            content: [{ type: 'text', text: await work(extra) }],
          })),
        )
        return mcp
      },
      { maxSessions: 100_000 },
    ),
  )
  server.on('request', app.callback())
}

function sharedIn(url: string) {
  const redis = redisConnection({ url })
  return {
    pendingStore: redisPendingStore({ redis, maxEntries: 100_000 }),
    browserSessions: redisBrowserSessions({ redis }),
    changeFeed: redisChangeFeed({ redis }),
    webKey: generateKeyText(),
  }
}

function serveBare(): void {
  const jsonSchemaValidator = new AjvJsonSchemaValidator()
  const transports = new Map<string, StreamableHTTPServerTransport>()

  async function newTransport(): Promise<StreamableHTTPServerTransport> {
    const mcp = new McpServer({ name: 'bench', version: '1.0.0' }, { jsonSchemaValidator })
    mcp.registerTool('waiting', {}, async (extra) => {
      const url = `${baseUrl}/credentials/asked/entry?t=${'x'.repeat(43)}`
      await mcp.server.elicitInput(
        { mode: 'url', message: 'Open the page', url, elicitationId: randomUUID() },
        { relatedRequestId: extra.requestId, timeout: 600_000 },
      )
      return new Promise(() => {})
    })
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void transports.set(id, transport),
    })
    await mcp.connect(transport as Parameters<McpServer['connect']>[0])
    return transport
  }

  server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    const id = request.headers['mcp-session-id']
    const transport = typeof id === 'string' ? transports.get(id) : await newTransport()
    await transport?.handleRequest(request, response)
  })
}
