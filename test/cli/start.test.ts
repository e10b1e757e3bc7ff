import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { vaultOptionsFromEnvironment } from '../../src/vault/environment/vault-options-from-environment.ts'
import { freePort } from '../harness/free-port.ts'
import { type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'
import { type RunningProcess, startProcess } from '../harness/processes/running-process.ts'

let command: MainCommand
let tools: string

beforeAll(async () => {
  command = await mainCommand()
  tools = join(command.root, 'tools.mjs')
  writeFileSync(
    tools,
    "export default (server) => void server.registerTool('hello', {}, () => ({ content: [{ type: 'text', text: 'Hello.' }] }))",
  )
}, 60_000)
afterAll(() => command.remove())

interface Served {
  readonly url: string
  readonly port: number
  readonly server: RunningProcess
}

async function serve(environment: NodeJS.ProcessEnv): Promise<Served> {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const server = await startProcess(
    process.execPath,
    [command.script, 'start', tools, '--port', String(port)],
    { ...command.environment, MCP_SERVER_BASE_URL: url, ...environment },
    async () => (await fetch(`${url}/health`)).ok,
  )
  onTestFinished(() => server.stop())
  return { url, port, server }
}

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}

function initialize(url: string, token?: string): Promise<Response> {
  return fetch(`${url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(INITIALIZE),
  })
}

const UNREACHABLE = 'no MCP client can connect'

describe('F3: a local-user server says who can call it', () => {
  test('MCP_LOCAL_ACCESS_TOKEN alone means local-user, and opens it', async () => {
    const token = randomBytes(32).toString('hex')
    const { url, server } = await serve({ MCP_LOCAL_ACCESS_TOKEN: token })
    expect((await initialize(url, token)).status).toBe(200)
    expect((await initialize(url, `${token}x`)).status).toBe(401)
    expect(server.output()).not.toContain(UNREACHABLE)
    expect(server.output()).not.toContain(token)
  })

  test.each([
    ['no variable', {}],
    ['MCP_LOCAL_USER', { MCP_LOCAL_USER: 'ada' }],
    ['a variable that is none', { MCP_LOCAL_TOKEN: 'x'.repeat(40) }],
    ['MCP_IDENTITY', { MCP_IDENTITY: 'local-user' }],
  ])('with %s and no token, the start and the 401 say what to set', async (_, environment) => {
    const { url, server } = await serve(environment)
    expect(server.output()).toContain(UNREACHABLE)
    expect(server.output()).toContain('Set MCP_LOCAL_ACCESS_TOKEN')
    for (const token of [undefined, 'x'.repeat(40)]) {
      const refused = await initialize(url, token)
      expect(refused.status).toBe(401)
      const body = (await refused.json()) as { error_description?: string }
      expect(body.error_description).toContain('Set MCP_LOCAL_ACCESS_TOKEN')
      const challenge = refused.headers.get('www-authenticate') ?? ''
      expect(challenge.includes('Set MCP_LOCAL_ACCESS_TOKEN')).toBe(token !== undefined)
    }
  })

  test('with a token the 401 keeps to what the standard has', async () => {
    const { url } = await serve({ MCP_LOCAL_ACCESS_TOKEN: randomBytes(32).toString('hex') })
    const refused = await initialize(url)
    expect([refused.status, await refused.json(), refused.headers.get('www-authenticate')]).toEqual([
      401,
      { error: 'unauthorized' },
      'Bearer',
    ])
  })

  const base = { MCP_SERVER_BASE_URL: 'http://localhost:8005' }
  const modeOf = (environment: NodeJS.ProcessEnv) => {
    const { identity } = vaultOptionsFromEnvironment({ ...base, ...environment })
    return identity && 'mode' in identity ? identity.mode : undefined
  }

  test('variables of both modes need MCP_IDENTITY', () => {
    const oidc = { MCP_OIDC_ISSUER: 'https://login.example.com', MCP_OIDC_CLIENT_ID: 'form' }
    const local = { MCP_LOCAL_USER: 'ada' }
    expect(() => modeOf({ ...oidc, ...local })).toThrow('environment.MCP_IDENTITY')
    expect(modeOf({ ...oidc, ...local, MCP_IDENTITY: 'local-user' })).toBe('local-user')
    expect(modeOf({ ...oidc, ...local, MCP_IDENTITY: 'oidc' })).toBe('oidc')
    expect([modeOf(oidc), modeOf(local), modeOf({}), modeOf({ MCP_LOCAL_USER: '' })]).toEqual([
      'oidc',
      'local-user',
      undefined,
      undefined,
    ])
  })

  test('local-user away from loopback is refused, and never falls back to something else', async () => {
    const { code, error } = await command.shell(
      `MCP_SERVER_BASE_URL=https://mcp.example.com MCP_LOCAL_USER=ada $MCV start ${tools} --port 0`,
    )
    expect([code, error]).toEqual([1, expect.stringContaining('localUser() does not identify users')])
  })
})

describe('a running server says that it listens, and where', () => {
  const LINE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warn) mcp-credential-vault\/[a-z-]+: \S/

  test('with time, level and place, as everything that operators must know', async () => {
    const { url, port, server } = await serve({ MCP_LOG_FORMAT: 'text' })
    await expect.poll(() => server.output()).toContain('Listening on')
    const lines = server.output().trim().split('\n')
    expect(lines.filter((line) => !LINE.test(line))).toEqual([`Serving ${url}/mcp`])
    expect(lines).toContainEqual(
      expect.stringMatching(
        new RegExp(` info mcp-credential-vault/server: Listening on http://127\\.0\\.0\\.1:${port}\\. .*${url}/mcp$`),
      ),
    )
    expect(lines).toContainEqual(expect.stringMatching(/ warn mcp-credential-vault\/identity: /))
  })

  test('a port that is used is one line that says what to do', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const { code, out, error } = await command.shell(
      `MCP_SERVER_BASE_URL=http://localhost:${port} MCP_LOCAL_ACCESS_TOKEN=${'t'.repeat(32)} $MCV start ${tools} --port ${port}`,
    )
    await new Promise((resolve) => other.close(resolve))
    expect([code, out]).toEqual([1, ''])
    expect(error.split('\n').filter((line) => line.startsWith('mcp-credential-vault start:'))).toEqual([
      `mcp-credential-vault start: Port ${port} on 127.0.0.1 is used by another program: stop it, or choose another port with --port. [configuration_invalid]`,
    ])
  })
})

test('another port than that of the base URL is a warning, unless a proxy of the operator is in front', async () => {
  const other = await freePort()
  const environment = {
    MCP_SERVER_BASE_URL: `http://localhost:${other}`,
    MCP_LOCAL_ACCESS_TOKEN: randomBytes(32).toString('hex'),
  }
  const bare = await serve(environment)
  expect(bare.server.output()).toContain(
    `links lead to http://localhost:${other}/ (MCP_SERVER_BASE_URL). Set its port to ${bare.port}, or start with --port ${other}.`,
  )
  const proxied = await serve({ ...environment, MCP_TRUSTED_PROXIES: '1' })
  expect(proxied.server.output()).toContain('Listening on')
  expect(proxied.server.output()).not.toContain('links lead to')
})
