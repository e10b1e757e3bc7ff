import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { httpBrowser, textOf } from '../../examples/tickets/http-browser.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import type { BundleTier } from '../../src/core/ports/store-keys.ts'
import { freePort } from '../harness/free-port.ts'
import { type OpenBao, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { policyToken } from '../harness/hashicorp-vault/policy-token.ts'
import { browserClient, startIdentityProvider } from '../harness/identity/identity-provider.ts'
import { connectClient, fillIn, openForm, type TestClient } from '../harness/mcp-harness.ts'
import { compiled } from '../harness/processes/compile-module.ts'
import { startProcess } from '../harness/processes/running-process.ts'
import { type RedisNode, startRedisNode } from '../harness/redis/redis-server.ts'
import { bundleFile } from '../harness/sealed-file/bundles.ts'
import { sealedFolder } from '../harness/sealed-file/sealed-folder.ts'
import { pass } from '../harness/two-tiers.ts'

const TOKEN = 'pat-of-alice-3f81c2'
const ANSWER = { text: `a secret of ${TOKEN.length} characters`, isError: false }
const LONG = { timeout: 110_000 }
const COMMAND = compiled(join(import.meta.dirname, '../../src/cli/main.ts'))
const TOOLS = compiled(join(import.meta.dirname, '../harness/tier-tools.ts'))

type Environments = Readonly<Record<BundleTier, Readonly<Record<string, string>>>>

let redis: RedisNode
let bao: OpenBao
beforeAll(async () => {
  ;[redis, bao] = await Promise.all([startRedisNode(), startOpenBao()])
})
afterAll(() => Promise.all([redis.remove(), bao.stop()]))

async function bundles(): Promise<Environments> {
  const store = await sealedFolder()
  const operator = await store.open()
  const folder = { MCP_VAULT_FOLDER: store.folder }
  return {
    form: { ...folder, MCP_VAULT_BUNDLE_FILE: await bundleFile(operator, 'form') },
    tool: { ...folder, MCP_VAULT_BUNDLE_FILE: await bundleFile(operator, 'tool') },
  }
}

async function logins(): Promise<Environments> {
  const mount = await bao.newMount()
  const vault = { MCP_VAULT_BACKEND: 'vault', VAULT_ADDR: bao.address, VAULT_KV_MOUNT: mount }
  return {
    form: { ...vault, VAULT_WRITE_TOKEN: await policyToken(bao, 'form', mount) },
    tool: { ...vault, VAULT_READ_TOKEN: await policyToken(bao, 'tool', mount) },
  }
}

/** `start --tier form` and `start --tier tool` as processes that share a Redis, behind a proxy. All of it ends with the test. */
async function startTiers(environments: Environments) {
  const targets: Record<BundleTier, string> = { form: '', tool: '' }
  const proxy = createServer((request, response) =>
    pass(targets[request.url?.startsWith('/credentials') ? 'form' : 'tool'], request, response),
  )
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://localhost:${(proxy.address() as AddressInfo).port}`
  const identityProvider = await startIdentityProvider({
    resource: `${baseUrl}/mcp`,
    clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
  })
  const logs = mkdtempSync(join(tmpdir(), 'tiers-over-redis-'))
  const clients: TestClient[] = []
  onTestFinished(async () => {
    await Promise.all(clients.map(({ client }) => client.close()))
    proxy.closeAllConnections()
    await new Promise((resolve) => proxy.close(resolve))
    await identityProvider.close()
    rmSync(logs, { recursive: true, force: true })
  })
  const both = {
    MCP_SERVER_BASE_URL: baseUrl,
    MCP_OIDC_ISSUER: identityProvider.issuer,
    MCP_OIDC_CLIENT_ID: 'form',
    MCP_OIDC_SCOPES: 'mcp',
    MCP_WEB_KEY: generateKeyText(),
    MCP_PENDING_STORE: 'redis',
    MCP_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    MCP_REDIS_PREFIX: `mcp-${(proxy.address() as AddressInfo).port}:`,
    MCP_REDIS_TIMEOUT_MILLISECONDS: '20000',
    MCP_CACHE_SECONDS: '300',
  }
  async function start(tier: BundleTier) {
    const port = await freePort()
    targets[tier] = `http://127.0.0.1:${port}`
    const own = { MCP_AUDIT_KEY: generateKeyText(), MCP_AUDIT_FOLDER: join(logs, tier) }
    const server = await startProcess(
      process.execPath,
      [COMMAND, 'start', TOOLS, '--tier', tier, '--port', String(port)],
      { ...both, ...own, ...environments[tier] },
      async () => (await fetch(`${targets[tier]}/readyz`)).ok,
    )
    onTestFinished(() => server.stop())
  }
  await Promise.all([start('form'), start('tool')])
  return {
    baseUrl,
    async connect(user: string, onLink: () => 'accept' | 'cancel') {
      const token = await identityProvider.issueAccessToken(user)
      const client = await connectClient(`${baseUrl}/mcp`, token, { onLink })
      clients.push(client)
      return client
    },
  }
}

describe.each([
  ['a sealed file with a bundle for each', bundles],
  ['OpenBao with a login for each', logins],
])('two tiers that share a Redis, on %s', (_, environments) => {
  test('a call waits for the form of the other tier, and what its owner revokes there is refused at once', async () => {
    const tiers = await startTiers(await environments())
    const alice = await tiers.connect('alice', () => 'accept')
    const waiting = alice.text('read_secret', LONG)
    await expect.poll(() => alice.links.length).toBe(1)
    const [link = ''] = alice.links
    const browser = httpBrowser()
    expect((await fillIn(link, 'alice', { pat: TOKEN }, browser)).status).toBe(200)
    expect(await waiting).toEqual(ANSWER)
    // From the cache, where it may stay for 300 seconds.
    expect(await alice.text()).toEqual(ANSWER)

    const page = await openForm(browser, `${tiers.baseUrl}/credentials`, 'alice')
    expect(textOf(page.html)).toContain('Jira')
    expect(textOf(page.html)).not.toMatch(/\bTest\b|Last used/i)
    const asked = await tiers.connect('alice', () => 'cancel')
    const revoked = await browser.press(await browser.follow(page, 'Revoke'), 'Revoke')
    expect(textOf(revoked.html)).toContain('Your Jira credential is revoked')
    await expect.poll(async () => (await asked.text()).isError, { timeout: 30_000 }).toBe(true)
    expect((await asked.text()).text).not.toContain(ANSWER.text)
  })
})
