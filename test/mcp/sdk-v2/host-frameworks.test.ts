import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import middie from '@fastify/middie'
import { McpServer } from '@modelcontextprotocol/server'
import express from 'express'
import fastify from 'fastify'
import Koa from 'koa'
import { expect, onTestFinished, test } from 'vitest'
import { textOf } from '../../../examples/tickets/http-browser.ts'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { oidc } from '../../../src/identity/oidc.ts'
import { credentialGate, mcpMount } from '../../../src/mcp/sdk-v2/index.ts'
import type { CredentialVault } from '../../../src/vault/credential-vault.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { browserClient, startIdentityProvider } from '../../harness/identity/identity-provider.ts'
import { fillIn } from '../../harness/mcp-harness.ts'
import { connectClientV2 } from '../../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

/** An application that plugs in the vault's pages and the mount, which is a listener of Koa's. */
type Host = (vault: CredentialVault, mcp: RequestListener) => RequestListener | Promise<RequestListener>

const expressHost: Host = (vault, mcp) => {
  const app = express()
  app.use(vault.nodeHandler())
  app.all('/mcp', mcp)
  app.use(express.json(), express.urlencoded())
  app.use((_request, response) => void response.status(404).send('the application'))
  return app
}

const fastifyMiddie: Host = async (vault, mcp) => {
  const app = fastify()
  await app.register(middie)
  app.use(vault.nodeHandler())
  // It takes the path away below which it mounts a handler.
  app.use('/mcp', (request: IncomingMessage, response: ServerResponse) => {
    request.url = '/mcp'
    mcp(request, response as Parameters<RequestListener>[1])
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send('the application'))
  await app.ready()
  return (request, response) => app.routing(request, response)
}

const fastifyRoute: Host = async (vault, mcp) => {
  const app = fastify()
  const form = vault.nodeHandler()
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _body, done) => done(null))
    const metadata = '/.well-known/oauth-protected-resource'
    for (const path of ['/credentials/*', metadata, `${metadata}/*`, '/mcp'])
      scope.all(path, (request, reply) => {
        reply.hijack()
        if (path === '/mcp') mcp(request.raw, reply.raw)
        else form(request.raw, reply.raw)
      })
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send('the application'))
  await app.ready()
  return (request, response) => app.routing(request, response)
}

const HOSTS = { Express: expressHost, 'Fastify with middie': fastifyMiddie, 'Fastify with routes': fastifyRoute }

async function startHost(host: Host) {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`
  const identityProvider = await startIdentityProvider({
    resource: `${baseUrl}/mcp`,
    clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
  })
  onTestFinished(() => identityProvider.close())
  const vault = await openVault({
    serverBaseUrl: baseUrl,
    backend: memoryBackend(),
    audit: memoryAudit(),
    identity: oidc({ issuer: identityProvider.issuer, clientId: 'form', scopes: ['mcp'] }),
    warn: () => undefined,
  })
  onTestFinished(() => vault.close())
  const jira = new CredentialsProvider({
    vault,
    name: 'jira',
    variables: { pat: { label: 'Token', type: 'password' } },
  })
  const mount = mcpMount(vault, (options) => {
    const mcp = new McpServer({ name: 'test', version: '1.0.0' }, options)
    mcp.registerTool(
      'secret_length',
      {},
      credentialGate(mcp)(jira, async (extra) => {
        const length = await jira.getCredentials(extra).use(({ pat }) => pat.length)
        return { content: [{ type: 'text', text: `a secret of ${length} characters` }] }
      }),
    )
    return mcp
  })
  server.on('request', await host(vault, new Koa().use(mount).callback()))
  return { baseUrl, tokenOf: (user: string) => identityProvider.issueAccessToken(user) }
}

test.each(Object.keys(HOSTS).flatMap((name) => (['modern', 'legacy'] as const).map((era) => [name, era] as const)))(
  '%s, %s client: a call asks, its user fills in the form, and the call goes on',
  async (name, era) => {
    const { baseUrl, tokenOf } = await startHost(HOSTS[name as keyof typeof HOSTS])
    const saved: Promise<{ html: string }>[] = []
    const alice = await connectClientV2(`${baseUrl}/mcp`, await tokenOf('alice'), {
      era,
      onLink(link) {
        saved.push(fillIn(link, 'alice', { pat: SECRET }))
        return 'accept'
      },
    })
    onTestFinished(() => alice.client.close())
    expect(await alice.text('secret_length')).toEqual({
      text: `a secret of ${SECRET.length} characters`,
      isError: false,
    })
    expect(textOf((await saved[0])?.html ?? '')).toContain('Jira is connected')
    expect(saved).toHaveLength(1)
    const metadata = await fetch(`${baseUrl}/.well-known/oauth-protected-resource/mcp`)
    expect(await metadata.json()).toMatchObject({ resource: `${baseUrl}/mcp` })
    expect((await fetch(`${baseUrl}/mcp`, { method: 'POST' })).status).toBe(401)
    const own = await fetch(`${baseUrl}/elsewhere`)
    expect([own.status, await own.text()]).toEqual([404, 'the application'])
  },
)
