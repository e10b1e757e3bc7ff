import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const COMMAND = resolve(import.meta.dirname, '../../../dist/cli/main.js')

let folder: string
let redis: ChildProcess
let environment: NodeJS.ProcessEnv

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  const address = server.address()
  await new Promise((done) => server.close(done))
  return typeof address === 'object' && address ? address.port : 0
}

function run(words: readonly string[], more: NodeJS.ProcessEnv = {}) {
  const env = { ...environment, ...more }
  return spawnSync(process.execPath, [COMMAND, ...words], { cwd: folder, env, encoding: 'utf8', timeout: 60_000 })
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'operator-'))
  writeFileSync(join(folder, 'tools.mjs'), 'export default () => {}\n')
  const port = await freePort()
  redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' })
  environment = {
    PATH: process.env['PATH'],
    MCP_SERVER_BASE_URL: 'https://localhost:8443',
    MCP_OIDC_ISSUER: `http://127.0.0.1:${await freePort()}`,
    MCP_OIDC_CLIENT_ID: 'mcp-form',
    MCP_VAULT_FOLDER: join(folder, 'data'),
  }
  for (const name of ['vault', 'form-audit', 'one-audit']) {
    execFileSync(process.execPath, [COMMAND, 'keygen', '--out', join(folder, `${name}.key`)])
  }
  const whole = { MCP_VAULT_KEY_FILE: join(folder, 'vault.key'), MCP_AUDIT_KEY_FILE: join(folder, 'one-audit.key') }
  const listen = ['start', 'tools.mjs', '--port', String(await freePort())]
  const one = spawn(process.execPath, [COMMAND, ...listen], { cwd: folder, env: { ...environment, ...whole } })
  await new Promise<void>((done) => one.stdout.on('data', (text) => String(text).includes('Serving') && done()))
  one.kill('SIGTERM')
  await new Promise((done) => one.once('exit', done))
  expect(run(['keys', 'export-writer', '--out', join(folder, 'writer.bundle')], whole).status).toBe(0)
  environment = {
    ...environment,
    MCP_VAULT_BUNDLE_FILE: join(folder, 'writer.bundle'),
    MCP_AUDIT_KEY_FILE: join(folder, 'form-audit.key'),
    MCP_AUDIT_FOLDER: join(folder, 'form-audit'),
    MCP_REDIS_URL: `redis://127.0.0.1:${port}`,
  }
}, 120_000)

afterAll(() => {
  redis.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

test('doctor names the missing web key that start of the same tier refuses', () => {
  const started = run(['start', 'tools.mjs', '--tier', 'form', '--port', '0'])
  expect(started.status).toBe(1)
  expect(started.stderr).toContain('MCP_WEB_KEY_FILE')
  const examined = run(['doctor', '--tier', 'form'])
  expect(examined.stdout).toMatch(/WRONG .*web key/)
}, 120_000)
