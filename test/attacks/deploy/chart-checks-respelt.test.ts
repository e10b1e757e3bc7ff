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
  const { code } = await render([`${CHART}/ci/${base}-values.yaml`, file], [])
  expect(code, `rendered ${JSON.stringify(values)}`).not.toBe(0)
}

describe('peers', () => {
  test.each([
    ['mapped, long', { ipBlock: { cidr: '0:0:0:0:0:ffff:0:0/96' } }],
    ['mapped, short zero', { ipBlock: { cidr: '0::ffff:0:0/96' } }],
    ['mapped, 4 digits', { ipBlock: { cidr: '0000::ffff:0.0.0.0/96' } }],
    ['selects labels all', { namespaceSelector: { matchExpressions: [{ key: 'foo', operator: 'DoesNotExist' }] } }],
    ['256 networks', null],
  ])('%s', (_, peer) =>
    refused('replicas', { networkPolicy: { from: peer ? [peer] : Array.from({ length: 256 }, (_, i) => ({ ipBlock: { cidr: `${i}.0.0.0/8` } })) } }),
  )
})
describe('egress', () => {
  test.each([
    ['ipv6 ula', { to: [{ ipBlock: { cidr: 'fd00::/16' } }] }],
    ['link local /8', { to: [{ ipBlock: { cidr: '169.0.0.0/8' } }] }],
    ['metadata itself', { to: [{ ipBlock: { cidr: '169.254.169.254/32' } }] }],
    ['mapped', { to: [{ ipBlock: { cidr: '0:0:0:0:0:ffff:a9fe:0/112' } }] }],
    ['null to', { to: null }],
    ['empty peer', { to: [{}] }],
    ['empty ipblock', { to: [{ ipBlock: {} }] }],
  ])('%s', (_, rule) => refused('replicas', { networkPolicy: { egress: [rule] } }))
})
describe('values', () => {
  test.each([
    ['mcp twice', { serverBaseUrl: 'https://mcp.example.com/mcp//' }],
    ['mcp dot', { serverBaseUrl: 'https://mcp.example.com/mcp/.' }],
    ['mcp escaped', { serverBaseUrl: 'https://mcp.example.com/%6dcp' }],
    ['backslash', { serverBaseUrl: 'https://mcp.example.com\\x' }],
    ['port', { serverBaseUrl: 'https://mcp.example.com:99999' }],
    ['newline', { serverBaseUrl: 'https://mcp.example.com\n' }],
    ['dots', { serverBaseUrl: 'https://mcp.example.com/a/../mcp' }],
    ['quote', { serverBaseUrl: 'https://mcp"x.example.com' }],
    ['redis port', { environment: { MCP_REDIS_URL: 'rediss://redis.example.com:99999' } }],
    ['redis localhost.', { environment: { MCP_REDIS_URL: 'redis://localhost:6379' } }],
    ['redis 127.999', { environment: { MCP_REDIS_URL: 'redis://127.999.1.1:6379' } }],
    ['redis backslash', { environment: { MCP_REDIS_URL: 'rediss://redis.example.com\\@evil' } }],
    ['redis db', { environment: { MCP_REDIS_URL: 'rediss://redis.example.com/999' } }],
    ['node options', { environment: { NODE_OPTIONS: '--inspect=0.0.0.0:9229' } }],
    ['node options tls', { environment: { NODE_OPTIONS: '--use-openssl-ca --tls-min-v1.0' } }],
    ['tools node env', { tools: { environment: { NODE_OPTIONS: '--inspect=0.0.0.0' } } }],
    ['tools lower', { tools: { environment: { SSLKEYLOGFILE: '/tmp/x' } } }],
    ['tools aws endpoint', { tools: { environment: { AWS_ENDPOINT_URL: 'http://evil' } } }],
    ['tools proxies', { environment: { MCP_TRUSTED_PROXIES: ' 1' } }],
    ['all issuer', { environment: { MCP_OIDC_ISSUER: 'https://login.example.com,https://b.example.com' } }],
    ['aud http', { environment: { MCP_OIDC_AUDIENCE: 'HTTP://x' } }],
    ['aud http', { environment: { MCP_OIDC_AUDIENCE: 'http://x' } }],
    ['cert dir', { environment: { NODE_EXTRA_CA_CERTS: '/x' } }],
  ])('%s', (_, v) => refused('replicas', v))
})
