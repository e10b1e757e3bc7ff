import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CHART, render } from '../../harness/deploy/deploy-tools.ts'

async function refused(base: string, values: object): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'values-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'values.json')
  await writeFile(file, JSON.stringify(values))
  const { code, error } = await render([`${CHART}/ci/${base}-values.yaml`, file], [])
  console.log(JSON.stringify(values).slice(0, 120), '->', code, error.slice(-220))
  expect(code).not.toBe(0)
}
describe('split', () => {
  test.each([
    [{ environment: { VAULT_AUTH_METHOD: 'agent' } }],
    [{ environment: { VAULT_READ_AUTH_METHOD: 'agent' } }],
    [{ form: { environment: { VAULT_WRITE_AUTH_METHOD: 'agent', VAULT_WRITE_ROLE: '' } , serviceAccountToken: { variables: [] } }, tool: { environment: { VAULT_READ_AUTH_METHOD: 'agent', VAULT_READ_ROLE: '' }, serviceAccountToken: { variables: [] } } }],
    [{ environment: { VAULT_CLIENT_KEY: '/x' } }],
    [{ form: { environment: { VAULT_WRITE_AUTH_METHOD: 'cert', VAULT_WRITE_ROLE: '' }, serviceAccountToken: { variables: [] } }, tool: { environment: { VAULT_READ_AUTH_METHOD: 'cert', VAULT_READ_ROLE: '' }, serviceAccountToken: { variables: [] } }, secretFiles: [{ variable: 'VAULT_CLIENT_CERT', secret: 'c', key: 'c' }, { variable: 'VAULT_CLIENT_KEY', secret: 'c', key: 'k' }, { variable: 'MCP_WEB_KEY_FILE', secret: 'mcp-keys', key: 'web.key' }] }],
    [{ environment: { VAULT_ADDR: 'http://127.0.0.1:8200' } }],
    [{ environment: { VAULT_ADDR: 'unix:///run/agent.sock' }, form: { environment: { VAULT_WRITE_AUTH_METHOD: 'agent', VAULT_WRITE_ROLE: '' }, serviceAccountToken: { variables: [] } }, tool: { environment: { VAULT_READ_AUTH_METHOD: 'agent', VAULT_READ_ROLE: '' }, serviceAccountToken: { variables: [] } } }],
    [{ environment: { MCP_REDIS_TLS: false } }],
    [{ environment: { MCP_REDIS_TLS: '' } }],
    [{ environment: { MCP_REDIS_TLS: null } }],
    [{ environment: { MCP_REDIS_URL: 'rediss://r.example.com', MCP_REDIS_TLS: '' } }],
    [{ form: { environment: { MCP_AUDIT_FOLDER: '/data/audit' } }, tool: { environment: { MCP_AUDIT_FOLDER: '/data/audit' } } }],
    [{ form: { environment: { MCP_REDIS_URL: 'redis://evil.example.com' } } }],
    [{ form: { environment: { MCP_REDIS_DANGEROUSLY_ALLOW_PLAINTEXT: true, MCP_REDIS_TLS: false } } }],
  ])('%#', (v) => refused('split-tiers', v))
})
