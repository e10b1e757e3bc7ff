import { AsyncLocalStorage } from 'node:async_hooks'
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import type { User } from '../../../src/core/model/owner.ts'
import type { Identity, Principal } from '../../../src/core/ports/identity.ts'
import { createBearerGate } from '../../../src/web/bearer/bearer-gate.ts'
import { protectedResourceMetadata } from '../../../src/web/bearer/protected-resource-metadata.ts'

const serverBaseUrl = new URL('https://tools.example.com/vault')
const resource = {
  resource: 'https://tools.example.com/vault/mcp',
  authorizationServers: ['https://login.example.com'],
  scopes: ['mcp', 'tools'],
}
const METADATA = 'https://tools.example.com/.well-known/oauth-protected-resource/vault/mcp'
const GOOD: Principal = {
  issuer: 'https://login.example.com',
  subject: 'alice',
  clientId: 'claude',
  displayName: 'Alice',
  scopes: ['mcp', 'tools', 'more'],
  expiresAt: 2_000_000_000,
}

const audit = memoryAudit()
const health = createHealth(() => {})
const userContext = new AsyncLocalStorage<User>()
let server: Server
let seen: { auth?: unknown; user?: unknown; context?: unknown } | undefined

const identity: Identity = {
  resource,
  browserLogin: {
    mode: 'oidc',
    hasLogin: true,
    displayName: 'login.example.com',
    begin: () => Promise.reject(new Error('unused')),
    complete: () => Promise.reject(new Error('unused')),
  },
  async verifyToken(token) {
    if (token === 'good') return GOOD
    if (token === 'narrow') return { ...GOOD, scopes: ['mcp'] }
    if (token === 'outage') throw new CredentialVaultError('unavailable', 'No keys.', { reason: 'x_keys' })
    if (token === 'bug') throw new Error(`something with ${token} in it`)
    throw new CredentialVaultError('token_invalid', 'Bad.', { reason: 'expired' })
  },
}

beforeAll(async () => {
  const options = { sessionIdleSeconds: 900, sessionMaxSeconds: 3600, trustedProxies: 0, serverName: 'Acme Tools' }
  const parts = { identity, journal: createJournal({ audit, health }), serverBaseUrl, health, options }
  const app = new Koa()
  app.use(protectedResourceMetadata(parts).middleware)
  app.use(
    createBearerGate(parts, { userContext: () => userContext, allowedOrigins: ['https://inspector.example.com'] }),
  )
  app.use((ctx) => {
    const { auth }: IncomingMessage & { auth?: unknown } = ctx.req
    seen = { auth, user: ctx.state['user'], context: userContext.getStore() }
    ctx.body = 'through'
  })
  server = createServer(app.callback())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => void server.close())
beforeEach(() => {
  seen = undefined
})

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly challenges: readonly string[]
  readonly text: string
}

function send(path: string, headers: Record<string, string | string[]> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo
    httpRequest(
      { host: '127.0.0.1', port, path, method, headers: { host: 'tools.example.com', ...headers }, agent: false },
      (response) => {
        let text = ''
        response.on('data', (chunk) => (text += chunk))
        response.on('end', () => {
          const challenges = response.headersDistinct['www-authenticate'] ?? []
          resolve({ status: response.statusCode ?? 0, headers: response.headers, challenges, text })
        })
      },
    )
      .on('error', reject)
      .end()
  })
}

describe('what the gate lets through', () => {
  test('a good token: the SDK finds the principal, and the user context holds the user', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      expect((await send('/vault/mcp', { authorization: `${scheme} good` })).text).toBe('through')
    }
    const user = { issuer: GOOD.issuer, subject: 'alice', clientId: 'claude', displayName: 'Alice' }
    expect(seen).toEqual({
      auth: {
        token: 'good',
        clientId: 'claude',
        scopes: ['mcp', 'tools', 'more'],
        expiresAt: 2_000_000_000,
        resource: new URL(resource.resource),
        extra: { iss: GOOD.issuer, sub: 'alice', name: 'Alice' },
      },
      user,
      context: user,
    })
  })

  test('the own origin, a listed origin, and no origin', async () => {
    for (const origin of ['https://tools.example.com', 'https://inspector.example.com']) {
      const { status, headers } = await send('/vault/mcp', { authorization: 'Bearer good', origin })
      expect(status).toBe(200)
      expect(headers['access-control-allow-origin']).toBe(origin.includes('inspector') ? origin : undefined)
    }
  })

  test('a preflight of a listed origin only', async () => {
    const preflight = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, mcp-method',
    }
    const listed = await send('/vault/mcp', { origin: 'https://inspector.example.com', ...preflight }, 'OPTIONS')
    expect(listed.status).toBe(204)
    expect(listed.headers['access-control-allow-headers']).toBe('authorization, mcp-method')
    const foreign = await send('/vault/mcp', { origin: 'https://evil.example.com', ...preflight }, 'OPTIONS')
    expect(foreign.status).toBe(403)
    expect(foreign.headers['access-control-allow-origin']).toBeUndefined()
  })
})

describe('what the gate refuses', () => {
  const scope = 'scope="mcp tools"'
  const metadata = `resource_metadata="${METADATA}"`

  test.each([
    ['nothing', {}, '/vault/mcp'],
    ['a token in the query', {}, '/vault/mcp?access_token=good'],
    ['a token in a cookie', { cookie: 'access_token=good; Authorization=Bearer good' }, '/vault/mcp'],
    ['another scheme', { authorization: 'Basic Z29vZDpnb29k' }, '/vault/mcp'],
    ['DPoP', { authorization: 'DPoP good' }, '/vault/mcp'],
  ])('%s: 401 and a challenge without an error', async (_name, headers, path) => {
    const { status, challenges } = await send(path, headers)
    expect(status).toBe(401)
    expect(challenges).toEqual([`Bearer ${scope}, ${metadata}`])
    expect(seen).toBeUndefined()
  })

  test.each([
    ['no token', 'Bearer'],
    ['an empty token', 'Bearer '],
    ['two tokens', 'Bearer good good'],
    ['two in a list', 'Bearer good, Bearer good'],
    ['characters that no token has', 'Bearer go"od'],
    ['a huge token', `Bearer ${'a'.repeat(14_000)}!`],
    ['two headers', ['Bearer good', 'Bearer good']],
  ])('%s: 400 invalid_request', async (_name, authorization) => {
    const { status, challenges } = await send('/vault/mcp', { authorization })
    expect(status).toBe(400)
    expect(challenges).toHaveLength(1)
    expect(challenges[0]).toMatch(
      /^Bearer error="invalid_request", error_description="[^"]+", scope="mcp tools", resource_metadata="[^"]+"$/,
    )
  })

  test('a bad token: 401 invalid_token, nothing of it comes back, and it is audited', async () => {
    const before = audit.events.length
    const { status, challenges, text, headers } = await send('/vault/mcp', { authorization: 'Bearer e.x.p-CANARY' })
    expect(status).toBe(401)
    expect(challenges).toHaveLength(1)
    expect(challenges[0]).toContain('error="invalid_token"')
    expect(challenges[0]).toContain(metadata)
    expect(challenges[0] + text).not.toContain('CANARY')
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains')
    expect(audit.events.slice(before)).toEqual([
      expect.objectContaining({ type: 'token.rejected', outcome: 'denied', reason: 'expired', address: '127.0.0.1' }),
    ])
  })

  test('a good token without a scope: 403 insufficient_scope, audited with its owner', async () => {
    const { status, challenges } = await send('/vault/mcp', { authorization: 'Bearer narrow' })
    expect(status).toBe(403)
    expect(challenges[0]).toContain('error="insufficient_scope"')
    expect(challenges[0]).toContain(scope)
    expect(audit.events.at(-1)).toMatchObject({
      reason: 'insufficient_scope',
      owner: { subject: 'alice' },
      clientId: 'claude',
    })
    expect(seen).toBeUndefined()
  })

  test.each(['outage', 'bug'])('a token that cannot be checked (%s): 503, never 401', async (token) => {
    const { status, challenges, headers, text } = await send('/vault/mcp', { authorization: `Bearer ${token}` })
    expect(status).toBe(503)
    expect(challenges).toEqual([])
    expect(headers['retry-after']).toBe('10')
    expect(text).toBe('{"error":"temporarily_unavailable"}')
    expect(health.problems().has('identity')).toBe(true)
    await send('/vault/mcp', { authorization: 'Bearer good' })
    expect(health.problems().has('identity')).toBe(false)
  })

  test.each(['https://evil.example.com', 'null', 'http://tools.example.com', 'https://tools.example.com.evil.org', ''])(
    'origin %j: 403 even with a good token',
    async (origin) => {
      const { status, headers } = await send('/vault/mcp', { authorization: 'Bearer good', origin })
      expect(status).toBe(403)
      expect(headers['access-control-allow-origin']).toBeUndefined()
      expect(seen).toBeUndefined()
    },
  )

  test.each(['evil.example.com', 'tools.example.com:8443', '127.0.0.1', 'tools.example.com.'])(
    'host %j: 421 even with a good token',
    async (host) => {
      expect((await send('/vault/mcp', { authorization: 'Bearer good', host })).status).toBe(421)
      expect(seen).toBeUndefined()
    },
  )

  test('the default port may be spelled out', async () => {
    expect((await send('/vault/mcp', { authorization: 'Bearer good', host: 'tools.example.com:443' })).status).toBe(200)
  })
})

describe('metadata', () => {
  test('is the same at the inserted path and at the root, and never takes up the host', async () => {
    const paths = [
      '/.well-known/oauth-protected-resource/vault/mcp',
      '/.well-known/oauth-protected-resource',
      '/.well-known/oauth-protected-resource/vault/mcp/',
    ]
    for (const path of paths) {
      const { status, headers, text } = await send(path, { host: 'evil.example.com' })
      expect(status).toBe(200)
      expect(headers['content-type']).toBe('application/json; charset=utf-8')
      expect(headers['access-control-allow-origin']).toBe('*')
      expect(headers['cache-control']).toBe('public, max-age=300')
      expect(JSON.parse(text)).toEqual({
        resource: resource.resource,
        authorization_servers: resource.authorizationServers,
        scopes_supported: resource.scopes,
        bearer_methods_supported: ['header'],
        resource_name: 'Acme Tools',
      })
    }
    expect((await send(paths[0] ?? '', {}, 'HEAD')).status).toBe(200)
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) {
      const { status, headers } = await send(paths[0] ?? '', {}, method)
      expect(status).toBe(405)
      expect(headers.allow).toBe('GET, HEAD')
    }
  })

  test('an audience that is no address of this server leaves only the root', () => {
    const parts = {
      serverBaseUrl,
      options: { sessionIdleSeconds: 1, sessionMaxSeconds: 1, trustedProxies: 0, serverName: 'x' },
    }
    const withResource = (audience: string) =>
      protectedResourceMetadata({ ...parts, identity: { ...identity, resource: { ...resource, resource: audience } } })
        .openPaths
    expect(withResource('api://4711')).toEqual(['/.well-known/oauth-protected-resource'])
    expect(withResource('https://other.example.com/mcp')).toEqual(['/.well-known/oauth-protected-resource'])
    const { resource: _none, ...local } = identity
    expect(protectedResourceMetadata({ ...parts, identity: local }).openPaths).toEqual([])
  })
})
