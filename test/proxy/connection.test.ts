import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { proxyConfigSchema } from '../../src/proxy/config/proxy-config.ts'
import { readUpstreamFiles } from '../../src/proxy/config/upstream-files.ts'
import type { UpstreamOptions } from '../../src/proxy/config/upstream-options.ts'
import { takeProxySnapshot } from '../../src/server/proxy/take-proxy-snapshot.ts'
import { type ProxyHarness, startProxyHarness } from '../harness/proxy/proxy-harness.ts'
import { openRawClient, rpc } from '../harness/proxy/raw-client.ts'

const folder = mkdtempSync(join(tmpdir(), 'connection-'))
const at = (name: string) => join(folder, name)
let server: Server
let url: string
/** Names in the certificates that clients have shown. */
const shown: (string | undefined)[] = []

beforeAll(async () => {
  for (const name of ['server', 'client']) certificate(name)
  const options = {
    key: readFileSync(at('server.key')),
    cert: readFileSync(at('server.pem')),
    ca: readFileSync(at('client.pem')),
  }
  server = createServer({ ...options, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    shown.push((request.socket as TLSSocket).getPeerCertificate().subject?.CN as string | undefined)
    void answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true })
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
  const mcp = new McpServer({ name: 'over-tls', version: '1' })
  mcp.registerTool('hello', {}, async () => ({ content: [{ type: 'text', text: 'Hello.' }] }))
  await mcp.connect(transport as Parameters<McpServer['connect']>[0])
  await transport.handleRequest(request, response)
}

function certificate(name: string): void {
  const { status, stderr } = spawnSync(
    'openssl',
    `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=${name} -addext subjectAltName=IP:127.0.0.1
      -keyout ${at(`${name}.key`)} -out ${at(`${name}.pem`)}`.split(/\s+/),
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(stderr)
}

function entry(change: Partial<UpstreamOptions>): UpstreamOptions {
  return {
    url,
    catalogue: 'user',
    credential: { variables: { pat: { label: 'Token', type: 'password' } } },
    headers: { Authorization: 'Bearer {pat}' },
    ...change,
  }
}

const take = (change: Partial<UpstreamOptions>) =>
  takeProxySnapshot({ upstreams: { gitlab: entry(change) } }, 'gitlab', { pat: 'glpat-0123456789' })

test("a server with a certificate of the company's own, which asks for ours, is reached with both", async () => {
  const tls = { ca: at('server.pem'), certificate: at('client.pem'), key: at('client.key') }
  expect((await take({ tls })).tools).toHaveLength(1)
  expect([...new Set(shown)]).toEqual(['client'])
})

test('without either, it is not reached, and nothing was sent', async () => {
  const before = shown.length
  await expect(take({})).rejects.toThrow('certificate is not accepted')
  await expect(take({ tls: { ca: at('server.pem') } })).rejects.toMatchObject({ code: 'unavailable' })
  expect(shown).toHaveLength(before)
})

test('calls of users go over the same connection', async () => {
  const tls = { ca: at('server.pem'), certificate: at('client.pem'), key: at('client.key') }
  const proxy = await startProxyHarness({ config: { url, tls } })
  const alice = await proxy.connectAndFill('alice')
  expect(await alice.text('hello')).toMatchObject({ text: 'Hello.' })
  await proxy.close()
})

test('a key of another certificate is a problem of the configuration, which names no key', () => {
  const tls = { certificate: at('client.pem'), key: at('server.key') }
  const { upstreams } = proxyConfigSchema.parse({ upstreams: { gitlab: entry({ tls }) } })
  const config = upstreams['gitlab']
  const { problems } = config ? readUpstreamFiles('gitlab', config, {}) : { problems: [] }
  expect(problems).toEqual([{ path: ['tls'], message: expect.stringContaining('do not belong together') }])
})

test('a server that does not answer in time is an answer to the call, and the token stays in use', async () => {
  let silent = false
  const proxy: ProxyHarness = await startProxyHarness({
    upstream: { intercept: (_, __, body) => silent && body.includes('tools/call') },
    config: { timeouts: { answerSeconds: 1 } },
  })
  const alice = await proxy.connectAndFill('alice')
  await alice.text('who_am_i')
  silent = true
  expect((await alice.text('who_am_i')).text).toContain('service_timeout')
  silent = false
  expect(await alice.text('who_am_i')).toMatchObject({ text: 'You are alice' })
  await proxy.close()
})

test("one user's running calls are bounded, and another user's go on", async () => {
  const waiting: (() => void)[] = []
  let holds = false
  const proxy = await startProxyHarness({
    upstream: {
      async intercept(_, __, body) {
        if (holds && body.includes('"held"')) await new Promise<void>((resolve) => waiting.push(resolve))
        return false
      },
    },
    config: { perOwner: { calls: 2 } },
  })
  for (const user of ['alice', 'bob'] as const) await (await proxy.connectAndFill(user)).text('who_am_i')
  holds = true
  const open = async (user: string) =>
    openRawClient(proxy.url, await proxy.harness.identityProvider.issueAccessToken(user))
  const alice = await open('alice')
  const call = (id: number, note: string) => rpc(id, 'tools/call', { name: 'who_am_i', arguments: { note } })
  const calls = [1, 2, 3].map((id) => alice.send({ body: call(id, 'held') }))
  await expect.poll(() => waiting.length).toBe(2)
  const bob = await open('bob')
  expect((await bob.send({ body: call(1, 'free') })).text).toContain('You are bob')
  expect(waiting).toHaveLength(2)
  for (const go of waiting.splice(0)) go()
  await expect.poll(() => waiting.length).toBe(1)
  holds = false
  for (const go of waiting) go()
  for (const { text } of await Promise.all(calls)) expect(text).toContain('You are alice')
  await proxy.close()
})
