import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createSign, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freePort } from '../../harness/free-port.ts'

const COMMAND = resolve(import.meta.dirname, '../../../dist/cli/main.js')
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const codes = new Map<string, string | null>()
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

let folder: string
let issuer: string
let base: string
let redisPort: number
let redis: ChildProcess
let server: ChildProcess

const identityProvider = createServer((request, answer) => {
  const url = new URL(request.url ?? '/', issuer)
  const json = (value: unknown) => answer.setHeader('content-type', 'application/json').end(JSON.stringify(value))
  if (url.pathname === '/jwks') {
    return json({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }] })
  }
  if (url.pathname === '/authorize') {
    const code = String(codes.size + 1)
    codes.set(code, url.searchParams.get('nonce'))
    const back = new URL(url.searchParams.get('redirect_uri') ?? '')
    back.searchParams.set('code', code)
    back.searchParams.set('state', url.searchParams.get('state') ?? '')
    return answer.writeHead(302, { location: back.href }).end()
  }
  if (url.pathname === '/token') {
    const nonce = [...codes.values()].at(-1)
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: issuer, sub: 'alice', aud: 'mcp-form', nonce, iat: now, exp: now + 300, auth_time: now }
    const text = `${encoded({ alg: 'RS256', kid: 'k' })}.${encoded(claims)}`
    const signature = createSign('RSA-SHA256').update(text).sign(privateKey).toString('base64url')
    return json({ token_type: 'Bearer', access_token: 'x', expires_in: 300, id_token: `${text}.${signature}` })
  }
  return json({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
  })
})

function startRedis() {
  redis = spawn('redis-server', ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' })
}

async function ready() {
  const status = () =>
    fetch(`${base}/readyz`).then(
      ({ status }) => status,
      () => 0,
    )
  await vi.waitFor(async () => expect(await status()).toBe(200), { timeout: 60_000, interval: 100 })
}

/** The callback's answer to a whole sign-in that begins now. */
async function signIn(): Promise<Response> {
  const begun = await fetch(`${base}/credentials/login`, {
    method: 'POST',
    headers: { origin: base },
    body: new URLSearchParams({ to: 'account' }),
  })
  const cookie = begun.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  const there = /http:\/\/127[^"']*\/authorize[^"']*/.exec(await begun.text())?.[0].replaceAll('&amp;', '&') ?? ''
  const back = (await fetch(there, { redirect: 'manual' })).headers.get('location') ?? ''
  return fetch(back, { redirect: 'manual', headers: { cookie } })
}

/** Whether the page to which a sign-in led is shown to its session, and not another sign-in. */
async function isSignedIn(answer: Response): Promise<boolean> {
  const cookie = answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  const page = await fetch(new URL(answer.headers.get('location') ?? '', base), { headers: { cookie } })
  expect(page.status).toBe(200)
  return (await page.text()).includes('/credentials/sign-out')
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'operator-'))
  writeFileSync(join(folder, 'tools.mjs'), 'export default () => {}\n')
  issuer = `http://127.0.0.1:${await freePort()}`
  identityProvider.listen(Number(new URL(issuer).port), '127.0.0.1')
  redisPort = await freePort()
  base = `http://localhost:${await freePort()}`
  startRedis()
  for (const name of ['vault', 'audit', 'web']) {
    execFileSync(process.execPath, [COMMAND, 'keygen', '--out', join(folder, `${name}.key`)], { stdio: 'ignore' })
  }
  server = spawn(process.execPath, [COMMAND, 'start', 'tools.mjs'], {
    cwd: folder,
    stdio: 'ignore',
    env: {
      PATH: process.env['PATH'],
      MCP_SERVER_BASE_URL: base,
      MCP_OIDC_ISSUER: issuer,
      MCP_OIDC_CLIENT_ID: 'mcp-form',
      MCP_VAULT_KEY_FILE: join(folder, 'vault.key'),
      MCP_AUDIT_KEY_FILE: join(folder, 'audit.key'),
      MCP_WEB_KEY_FILE: join(folder, 'web.key'),
      MCP_REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    },
  })
  await ready()
}, 60_000)

afterAll(async () => {
  server.kill('SIGTERM')
  redis.kill('SIGTERM')
  identityProvider.close()
  await once(server, 'exit')
  rmSync(folder, { recursive: true, force: true })
})

test('a sign-in that begins after Redis came back empty succeeds, and earlier sessions stay refused', async () => {
  const before = await signIn()
  expect(before.status).toBe(303)
  expect(await isSignedIn(before)).toBe(true)
  redis.kill('SIGTERM')
  await once(redis, 'exit')
  startRedis()
  await ready()
  const after = await signIn()
  expect([after.status, (await signIn()).status]).toEqual([303, 303])
  expect([await isSignedIn(before), await isSignedIn(after)]).toEqual([false, true])
}, 90_000)
