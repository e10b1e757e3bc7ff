import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { httpBrowser, textOf } from '../../examples/tickets/http-browser.ts'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { redisBrowserSessions } from '../../src/redis/redis-browser-sessions.ts'
import { redisChangeFeed } from '../../src/redis/redis-change-feed.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'
import { fillIn, type Harness, linkIn, openForm, startHarness } from '../harness/mcp-harness.ts'
import { runCli } from '../harness/processes/run-cli.ts'
import { type RedisNode, startRedisNode } from '../harness/redis/redis-server.ts'

const SECRET = 'tok-8c1d44e0a7b25f93'
const folder = mkdtempSync(join(tmpdir(), 'offboard-redis-'))
const store = { folder: join(folder, 'data'), key: generateKeyText() }
const webKey = generateKeyText()

let redis: RedisNode
let harness: Harness
beforeAll(async () => {
  redis = await startRedisNode()
  // As Vault and AWS are: without a feed, a cached value would be used for all of the 300 seconds.
  const { isCurrent: _, ...backend }: SecretBackend = sealedFile(store)
  harness = await startHarness({
    backend,
    webKey,
    cacheSeconds: 300,
    jira: { tokenTimeoutSeconds: 100 },
    warn: () => undefined,
    shared() {
      const connection = redisConnection({ url: `redis://127.0.0.1:${redis.port}`, warn: () => undefined })
      return {
        pendingStore: redisPendingStore({ redis: connection }),
        browserSessions: redisBrowserSessions({ redis: connection }),
        changeFeed: redisChangeFeed({ redis: connection }),
      }
    },
  })
})
afterEach(() => harness.forget('alice'))
afterAll(async () => {
  await harness.close()
  await redis.remove()
  rmSync(folder, { recursive: true })
})

const environment = (): NodeJS.ProcessEnv => ({
  MCP_VAULT_FOLDER: store.folder,
  MCP_VAULT_KEY: store.key,
  MCP_WEB_KEY: webKey,
  MCP_AUDIT_FOLDER: join(folder, 'audit'),
  MCP_PENDING_STORE: 'redis',
  MCP_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
  MCP_REDIS_TIMEOUT_MILLISECONDS: '20000',
})

function offboard(change: NodeJS.ProcessEnv = {}, ...more: string[]) {
  const { issuer, subject } = harness.owner('alice')
  return runCli(['offboard', '--issuer', issuer, '--subject', subject, ...more], { ...environment(), ...change })
}

test('the command ends sessions, links and waiting calls that servers hold, and they drop cached values', async () => {
  const alice = await harness.connect('alice', { onLink: () => 'accept' })
  const waiting = alice.text('read_secret', { timeout: 110_000 })
  await expect.poll(() => alice.links.length).toBe(1)
  const [link = ''] = alice.links
  const browser = httpBrowser()
  expect((await openForm(browser, link, 'alice')).html).toContain('name="pat"')

  const trial = await offboard({}, '--dry-run')
  expect(trial.out).not.toContain('Ended on all')
  expect((await browser.open(link)).html).toContain('name="pat"')

  const nothingStored = await offboard()
  expect([nothingStored.code, nothingStored.error]).toEqual([3, ''])
  expect(nothingStored.out).toContain("Ended on all running servers:\n  the owner's sign-in at the form")
  expect(await waiting).toEqual({ text: expect.stringContaining('was cancelled'), isError: true })
  const refused = await browser.open(link)
  expect(refused.html).not.toContain('name="pat"')
  expect(textOf(refused.html)).toMatch(/sign in/i)
})

test('a value that a server has cached is not used after the command', async () => {
  const alice = await harness.connect('alice', { onLink: () => 'cancel' })
  await fillIn(linkIn((await alice.text()).text), 'alice', { pat: SECRET })
  expect((await alice.text()).isError).toBe(false)
  const done = await offboard({}, '--json')
  expect([done.code, done.error, done.json()['failures']]).toEqual([1, '', []])
  const { credentials, ended, remaining } = done.json<Record<string, readonly { what: string }[]>>()
  expect(credentials).toMatchObject([{ provider: 'jira', result: 'revoked' }])
  expect(ended).toEqual(['browser_sessions', 'pending_links'])
  expect(remaining?.map(({ what }) => what)).toEqual(['open_calls'])
  await expect.poll(async () => (await alice.text()).isError).toBe(true)
})

test('while Redis is away the command says that sessions and links are left, and still revokes', async () => {
  const alice = await harness.connect('alice', { onLink: () => 'cancel' })
  await fillIn(linkIn((await alice.text()).text), 'alice', { pat: SECRET })
  await redis.stop()
  try {
    const done = await offboard({ MCP_REDIS_TIMEOUT_MILLISECONDS: '1000' })
    expect(done.code).toBe(1)
    expect(done.out).toMatch(/^jira .*revoked/m)
    expect(done.out).toMatch(/^Redis at 127\.0\.0\.1:\d+ cannot be reached/m)
    expect(done.out).toContain('Run the command again')
    expect(done.out).toContain('links to the form that wait for the owner, until')
    expect(done.out).not.toContain('Ended on all')
  } finally {
    await redis.restart()
  }
})
