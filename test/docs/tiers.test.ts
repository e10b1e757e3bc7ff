import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { put } from '../../src/testing/secret-backend/calls.ts'
import { blocksOf, installInto, shell } from '../harness/processes/run-page-commands.ts'
import { MINIMAL_ACL } from '../harness/redis/minimal-acl.ts'
import { startRedisNode } from '../harness/redis/redis-server.ts'

const PAGE = 'docs/tiers.md'
const PASSWORD = 'redis-password-5b1e'

/** The variables that the page gives to both tiers, and what puts a Redis of this test in the place of the page's. */
async function redisOfThePage(root: string) {
  const redis = await startRedisNode({
    config: ['user default off', `user mcp on ">${PASSWORD}" ${MINIMAL_ACL}`],
  })
  onTestFinished(() => redis.remove())
  writeFileSync(join(root, 'redis-password'), PASSWORD, { mode: 0o600 })
  const [block = ''] = blocksOf(PAGE, 'Share a Redis', 'ini')
  const here = (text: string) =>
    text.replace('rediss://redis.example.com:6379', `redis://127.0.0.1:${redis.port}`).replace('/run/secrets', root)
  const variables = [...here(block).matchAll(/^([A-Z_]+)=(.+)$/gm)].map(([, name = '', value = '']) => [name, value])
  return { here, variables: Object.fromEntries(variables) as Record<string, string> }
}

test('the commands for the sealed file, followed word for word, for each tier', async () => {
  const root = mkdtempSync(join(tmpdir(), 'tiers-page-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  installInto(root)
  const key = generateKeyText()
  writeFileSync(join(root, 'vault.key'), key, { mode: 0o600 })
  const backend = sealedFile({ folder: join(root, 'data'), key })
  await backend.open()
  await put(backend, storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' }), { pat: 'token' })
  await backend.close()
  const { here, variables } = await redisOfThePage(root)
  const environment = {
    MCP_VAULT_FOLDER: join(root, 'data'),
    MCP_VAULT_KEY_FILE: join(root, 'vault.key'),
    ...variables,
  }
  const [exporting = '', checked = ''] = blocksOf(PAGE, 'Set up the sealed file')
  const checking = here(checked)
  const followed = shell(`${exporting}\n${checking}`, root, environment)
  expect(await followed.ended, followed.output()).toBe(0)
  expect(followed.output()).toContain("ok       the form's login cannot read")
  expect(followed.output()).toMatch(/ok {7}the store that replicas share can be used +redis\n/)
  const asTools = checking
    .replaceAll('writer.bundle', 'reader.bundle')
    .replaceAll('form-audit', 'tool-audit')
    .replace('--tier form', '--tier tool')
  const tools = shell(asTools, root, environment)
  expect(await tools.ended, tools.output()).toBe(0)
  expect(tools.output()).toContain("ok       the tools' login cannot save")
  // The operator's own log knows nothing of the tiers' keys.
  const verified = shell('npx mcp-credential-vault audit verify', root, environment)
  expect(await verified.ended, verified.output()).toBe(0)
})
