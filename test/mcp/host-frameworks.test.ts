import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import middie from '@fastify/middie'
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer } from '@modelcontextprotocol/server'
import express from 'express'
import fastify from 'fastify'
import { expect, onTestFinished, test, vi } from 'vitest'
import { textOf } from '../../examples/tickets/http-browser.ts'
import { memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { oidc } from '../../src/identity/oidc.ts'
import type { CallExtra, NodeHandler } from '../../src/index.ts'
import { credentialGate as gateV1, mcpMount as mcpMountV1 } from '../../src/mcp/sdk-v1/index.ts'
import { credentialGate, mcpMount } from '../../src/mcp/sdk-v2/index.ts'
import type { CredentialVault } from '../../src/vault/credential-vault.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import { browserClient, startIdentityProvider } from '../harness/identity/identity-provider.ts'
import { fillIn } from '../harness/mcp-harness.ts'
import { connectClientV2 } from '../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

/** An application that plugs in the vault's pages and the mount. */
type Jira = CredentialsProvider<{ pat: { label: string; type: 'password' } }>
type Host = (vault: CredentialVault, mcp: NodeHandler) => RequestListener | Promise<RequestListener>

const expressHost: Host = (vault, mcp) => {
  const app = express()
  app.use(vault.nodeHandler())
  app.use(mcp)
  app.use(express.json(), express.urlencoded())
  app.use((_request, response) => void response.status(404).send('the application'))
  return app
}

const fastifyMiddie: Host = async (vault, mcp) => {
  const app = fastify()
  await app.register(middie)
  app.use(vault.nodeHandler())
  app.use(mcp)
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

const expressPath: Host = (vault, mcp) => {
  const app = express()
  app.use(vault.nodeHandler())
  app.use('/mcp', mcp)
  app.use((_request, response) => void response.status(404).send('the application'))
  return app
}

const plainHttp: Host = (vault, mcp) => {
  const form = vault.nodeHandler()
  return (request, response) =>
    form(request, response, () => mcp(request, response, () => response.writeHead(404).end('the application')))
}

const expressParsedFirst: Host = (vault, mcp) => express().use(express.json(), vault.nodeHandler(), mcp)

const secretLength = async (jira: Jira, extra: CallExtra) => {
  const length = await jira.getCredentials(extra).use(({ pat }) => pat.length)
  return { content: [{ type: 'text' as const, text: `a secret of ${length} characters` }] }
}

const mountV2 = (vault: CredentialVault, jira: Jira) =>
  mcpMount(vault, (options) => {
    const mcp = new McpServer({ name: 'test', version: '1.0.0' }, options)
    mcp.registerTool(
      'secret_length',
      {},
      credentialGate(mcp)(jira, (ctx) => secretLength(jira, ctx)),
    )
    return mcp
  })

const mountV1 = (vault: CredentialVault, jira: Jira) =>
  mcpMountV1(vault, (options) => {
    const mcp = new McpServerV1({ name: 'test', version: '1.0.0' }, options)
    mcp.registerTool(
      'secret_length',
      {},
      gateV1(mcp)(jira, (extra) => secretLength(jira, extra)),
    )
    return mcp
  })

const HOSTS = {
  Express: expressHost,
  'Express, mounted at its path': expressPath,
  'Fastify with middie': fastifyMiddie,
  'Fastify with routes': fastifyRoute,
  'node:http': plainHttp,
}

async function startHost(host: Host, mountOf = mountV2) {
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
  const mount = mountOf(vault, jira)
  server.on('request', await host(vault, mount.nodeHandler()))
  return { baseUrl, tokenOf: (user: string) => identityProvider.issueAccessToken(user) }
}

const CASES = Object.entries(HOSTS).flatMap(([name, host]) => [
  { name, host, era: 'modern', sdk: '2.x', mountOf: mountV2 } as const,
  { name, host, era: 'legacy', sdk: '2.x', mountOf: mountV2 } as const,
  { name, host, era: 'legacy', sdk: '1.x', mountOf: mountV1 } as const,
])

test.each(CASES)(
  '$name, SDK $sdk, $era client: a call asks, its user fills in the form, and the call goes on',
  async ({ host, era, mountOf }) => {
    const { baseUrl, tokenOf } = await startHost(host, mountOf)
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

test('behind a parser of JSON, the call and the error output say that the mount has to come first', async () => {
  const printed = vi.spyOn(console, 'error').mockReturnValue()
  onTestFinished(() => printed.mockRestore())
  const { baseUrl, tokenOf } = await startHost(expressParsedFirst)
  const answer = await fetch(`${baseUrl}/mcp`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await tokenOf('alice')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
  })
  expect([answer.status, await answer.json()]).toEqual([
    500,
    { jsonrpc: '2.0', error: { code: -32000, message: 'This server is not set up correctly.' }, id: null },
  ])
  expect(String(printed.mock.calls)).toContain('Put mcpMount, or its nodeHandler(), before the parser.')
})
