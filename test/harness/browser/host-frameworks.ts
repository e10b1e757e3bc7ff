import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import middie from '@fastify/middie'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import fastify from 'fastify'
import Koa from 'koa'
import { onTestFinished } from 'vitest'
import { type MemoryAudit, memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { oidc } from '../../../src/identity/oidc.ts'
import { credentialGate, type ToolExtra } from '../../../src/mcp/sdk-v1/index.ts'
import type { CredentialVault } from '../../../src/vault/credential-vault.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { browserClient, startIdentityProvider } from '../identity/identity-provider.ts'
import { type ExampleClient, exampleClient, withToken } from '../processes/example-client.ts'

/** Parts of an existing server: a check of its own tokens, and a transport. */
export interface OwnMcp {
  handle(request: IncomingMessage, response: ServerResponse, parsedBody?: unknown): Promise<void>
}

/** A framework in its usual set-up, with the vault plugged in. Answers `the application` on every other path. */
export type Host = (vault: CredentialVault, mcp: OwnMcp, base: string) => RequestListener | Promise<RequestListener>

export const expressHost = ((vault, mcp, base) => {
  const app = express()
  app.set('trust proxy', true)
  app.use(vault.nodeHandler())
  app.use(express.json(), express.urlencoded())
  app.all(`${base}/mcp`, (request, response) => mcp.handle(request, response, request.body))
  app.use((_request, response) => void response.status(404).send('the application'))
  return app
}) satisfies Host

export const expressMounted: Host = (vault, mcp, base) => {
  const app = express()
  const tools = express.Router()
  tools.use('/credentials', vault.nodeHandler())
  tools.use(express.json())
  tools.all('/mcp', (request, response) => mcp.handle(request, response, request.body))
  app.use(base, tools)
  app.use((_request, response) => void response.status(404).send('the application'))
  return app
}

export const expressParsedFirst: Host = (vault, mcp, base) => {
  const app = express()
  app.use(express.urlencoded())
  return app.use(expressHost(vault, mcp, base))
}

export const koaOwnTransport: Host = (vault, mcp, base) => {
  const app = new Koa()
  vault.register(app)
  app.use(async (ctx) => {
    if (ctx.path !== `${base}/mcp`) return void Object.assign(ctx, { status: 404, body: 'the application' })
    ctx.respond = false
    await mcp.handle(ctx.req, ctx.res)
  })
  return app.callback()
}

/** Behind a gateway that takes the base path away. */
export const expressBehindGateway: Host = (vault, mcp, base) => {
  const form = vault.nodeHandler()
  const app = express()
  app.use((request, response, next) => {
    if (request.url.startsWith('/credentials/')) request.url = `${base}${request.url}`
    form(request, response, next)
  })
  app.use(express.json())
  app.all('/mcp', (request, response) => mcp.handle(request, response, request.body))
  app.use((_request, response) => void response.status(404).send('the application'))
  return (request, response) => {
    if (request.url?.startsWith(`${base}/`)) request.url = request.url.slice(base.length)
    app(request, response)
  }
}

export const fastifyMiddie: Host = async (vault, mcp, base) => {
  const app = fastify()
  await app.register(middie)
  app.use(vault.nodeHandler())
  app.all(`${base}/mcp`, async (request, reply) => {
    reply.hijack()
    await mcp.handle(request.raw, reply.raw, request.body)
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send('the application'))
  await app.ready()
  return (request, response) => app.routing(request, response)
}

export const fastifyRoute: Host = async (vault, mcp, base) => {
  const app = fastify()
  const handler = vault.nodeHandler()
  await app.register(async (form) => {
    // Fastify would answer 415 to a form; the vault reads it itself.
    form.removeAllContentTypeParsers()
    form.addContentTypeParser('*', (_request, _body, done) => done(null))
    const metadata = '/.well-known/oauth-protected-resource'
    for (const path of [`${base}/credentials/*`, metadata, `${metadata}/*`])
      form.all(path, (request, reply) => {
        reply.hijack()
        handler(request.raw, reply.raw)
      })
  })
  app.all(`${base}/mcp`, async (request, reply) => {
    reply.hijack()
    await mcp.handle(request.raw, reply.raw, request.body)
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send('the application'))
  await app.ready()
  return (request, response) => app.routing(request, response)
}

export const plainHttp: Host = (vault, mcp, base) => {
  const handler = vault.nodeHandler()
  return (request, response) =>
    handler(request, response, () => {
      if (request.url === `${base}/mcp`) return void mcp.handle(request, response)
      response.writeHead(404).end('the application')
    })
}

export interface HostedVault {
  readonly baseUrl: string
  readonly audit: MemoryAudit
  readonly vault: CredentialVault
  connect(user: string, onLink?: (link: string) => unknown): Promise<ExampleClient>
}

/** The host on loopback with a tool `secret_length`, and a real identity provider; all of it ends with the test. */
export async function startHost(host: Host, base = ''): Promise<HostedVault> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}${base}`
  const identityProvider = await startIdentityProvider({
    resource: `${baseUrl}/mcp`,
    clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
  })
  onTestFinished(() => identityProvider.close())
  const { issuer } = identityProvider
  const audit = memoryAudit()
  const vault = await openVault({
    serverBaseUrl: baseUrl,
    backend: memoryBackend(),
    audit,
    identity: oidc({ issuer, clientId: 'form' }),
    ownerFrom: (auth) => {
      const subject: unknown = typeof auth === 'object' && auth && 'employee' in auth ? auth.employee : undefined
      return typeof subject === 'string' && subject !== 'nobody' ? { issuer, subject } : undefined
    },
    warn: () => undefined,
  })
  onTestFinished(() => vault.close())
  const variables = { pat: { label: 'Token', type: 'password' } } as const
  const jira = new CredentialsProvider({ vault, name: 'jira', variables })
  server.on('request', await host(vault, ownMcp(jira), base))
  return {
    baseUrl,
    audit,
    vault,
    connect: (user, onLink) => exampleClient(withToken(`${baseUrl}/mcp`, `token-of-${user}`), onLink),
  }
}

function ownMcp(jira: CredentialsProvider): OwnMcp {
  const sessions = new Map<string, StreamableHTTPServerTransport>()

  async function newSession(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    const server = new McpServer({ name: 'test', version: '1.0.0' })
    const handler = credentialGate(server)(jira, async (extra: ToolExtra) => {
      const length = await jira.getCredentials(extra).use(({ pat }) => pat?.length)
      return { content: [{ type: 'text', text: `a secret of ${length} characters` }] }
    })
    server.registerTool('secret_length', {}, handler)
    await server.connect(transport as Parameters<McpServer['connect']>[0])
    return transport
  }

  return {
    async handle(request: IncomingMessage & { auth?: never }, response, parsedBody) {
      const employee = /^Bearer token-of-(\w+)$/.exec(request.headers.authorization ?? '')?.[1]
      if (employee === undefined) return void response.writeHead(401).end()
      Object.assign(request, { auth: { employee } })
      const known = sessions.get(String(request.headers['mcp-session-id']))
      await (known ?? (await newSession())).handleRequest(request, response, parsedBody)
    },
  }
}
