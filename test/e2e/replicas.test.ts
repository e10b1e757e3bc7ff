import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { httpBrowser, textOf } from '../../examples/tickets/http-browser.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { redisBrowserSessions } from '../../src/redis/redis-browser-sessions.ts'
import { redisChangeFeed } from '../../src/redis/redis-change-feed.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'
import { put } from '../../src/testing/secret-backend/calls.ts'
import { fillIn, type Harness, linkIn, openForm, startHarness } from '../harness/mcp-harness.ts'
import { redisCommands } from '../harness/redis/redis-commands.ts'
import { recordMonitor } from '../harness/redis/redis-monitor.ts'
import { type RedisNode, startRedisNode } from '../harness/redis/redis-server.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const PASSWORD = 'redis-password-5b1e'
const ANSWER = { text: `a secret of ${SECRET.length} characters`, isError: false }

function withoutIsCurrent({ isCurrent: _, ...backend }: SecretBackend): SecretBackend {
  return backend
}

let redis: RedisNode
let harness: Harness
beforeAll(async () => {
  redis = await startRedisNode({ config: ['appendonly yes', 'appendfsync always', `requirepass ${PASSWORD}`] })
  harness = await startHarness({
    // As Vault and AWS are: it does not tell cheaply whether a version is current.
    backend: withoutIsCurrent(memoryBackend()),
    cacheSeconds: 300,
    jira: { tokenTimeoutSeconds: 100 },
    shared() {
      const connection = redisConnection({
        url: `redis://127.0.0.1:${redis.port}`,
        password: PASSWORD,
        timeoutMilliseconds: 2_000,
        warn: () => undefined,
      })
      return {
        pendingStore: redisPendingStore({ redis: connection }),
        browserSessions: redisBrowserSessions({ redis: connection }),
        changeFeed: redisChangeFeed({ redis: connection }),
      }
    },
  })
})
afterEach(async () => {
  await harness.pagesJira.invalidateCredentials(harness.owner('alice'))
  await harness.forget('alice')
})
afterAll(async () => {
  await harness.close()
  await redis.remove()
})

test('a call waits on one replica and goes on when the form is saved on another; Redis sees no user, link or secret', async () => {
  const monitor = await recordMonitor(redis.port, PASSWORD)
  const links: string[] = []
  const alice = await harness.connect('alice', {
    async onLink(link): Promise<'accept'> {
      links.push(link)
      await fillIn(link, 'alice', { pat: SECRET })
      return 'accept'
    },
  })
  expect(await alice.text()).toEqual(ANSWER)
  expect(alice.links).toHaveLength(1)

  const commands = await monitor.stop()
  expect(commands).toContain('EVALSHA')
  const dump = await dumpOf(redis.port)
  const [link = ''] = links
  const handle = new URL(link).searchParams.get('t') ?? 'no handle'
  const { issuer } = harness.owner('alice')
  for (const seen of [commands, dump]) {
    expect(seen.length).toBeGreaterThan(500)
    for (const text of forms([SECRET, handle, 'alice', issuer, 'jira', 'read_secret', 'Test Client', PASSWORD]))
      expect(seen).not.toContain(text)
  }
})

/** Each text as it is, and in the encodings in which it would be easy to read. */
function forms(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => {
    const bytes = Buffer.from(text)
    return [text, bytes.toString('hex'), bytes.toString('base64').slice(0, -3), encodeURIComponent(text)]
  })
}

/** Every key with its serialised value, and the whole RDB file. */
async function dumpOf(port: number): Promise<string> {
  const [keys] = await redisCommands(port, [['KEYS', '*']], { password: PASSWORD })
  const names = (keys as readonly Buffer[]).map(String)
  const values = await redisCommands(
    port,
    names.map((name) => ['DUMP', name]),
    { password: PASSWORD },
  )
  await redisCommands(port, [['CONFIG', 'SET', 'rdbcompression', 'no'], ['SAVE']], { password: PASSWORD })
  const file = readFileSync(join(redis.folder, 'dump.rdb'), 'latin1')
  expect(file.startsWith('REDIS')).toBe(true)
  return [...names, ...values.map((value) => (value as Buffer).toString('latin1')), file].join('\n')
}

test('after a form that another replica serves, the replica with the session notifies each client once', async () => {
  const sessions = [
    await harness.connect('alice', { onLink: () => 'accept' }),
    await harness.connect('alice', { onLink: () => 'accept' }),
  ]
  const asked: { readonly url: string; readonly elicitationId: string }[] = []
  for (const session of sessions) {
    const error: unknown = await session.call('fail_fast').catch((thrown: unknown) => thrown)
    if (!(error instanceof UrlElicitationRequiredError)) return expect.fail('the call was not answered with a link')
    asked.push(...error.elicitations)
  }
  expect(new Set(asked.map(({ url }) => url)).size).toBe(1)
  await fillIn(asked[0]?.url ?? '', 'alice', { pat: SECRET })
  for (const [at, session] of sessions.entries()) {
    await expect.poll(() => session.completed).toEqual([asked[at]?.elicitationId])
  }
  // Two round trips later a second notice would have arrived.
  for (const session of sessions) expect(await session.text('fail_fast')).toEqual(ANSWER)
  for (const [at, session] of sessions.entries()) expect(session.completed).toEqual([asked[at]?.elicitationId])
})

test('a wait outlasts a restart of Redis', async () => {
  const alice = await harness.connect('alice', { onLink: () => 'accept' })
  const answer = alice.text()
  await expect.poll(() => alice.links.length).toBe(1)
  await redis.stop('SIGKILL')
  await redis.restart()
  await fillIn(alice.links[0] ?? '', 'alice', { pat: SECRET })
  expect(await answer).toEqual(ANSWER)
})

test('a replica that dies after the save and before the wake leaves the waiting call its answer', async () => {
  const alice = await harness.connect('alice', { onLink: () => 'accept' })
  const answer = alice.text()
  await expect.poll(() => alice.links.length).toBe(1)
  // All that the dead replica has done.
  await put(harness.backend, storageKey('jira', harness.owner('alice')), { pat: SECRET })
  expect(await answer).toEqual(ANSWER)
})

test('while Redis is away the page keeps the link, a call says which store it is, and a stored credential is used', async () => {
  const alice = await harness.connect('alice', { onLink: () => 'cancel' })
  const link = linkIn((await alice.text()).text)
  const browser = httpBrowser()
  await openForm(browser, link, 'alice')
  await redis.stop()
  try {
    const page = await browser.open(link)
    expect(page.status).toBe(503)
    expect(textOf(page.html)).toContain('Your link still works')
    expect(page.html).toContain(new URL(link).search)
    const called = await alice.text()
    expect(called).toMatchObject({ isError: true, text: expect.stringContaining('redis_') })
    expect(called.text).toContain('What you have stored is not affected')
  } finally {
    await redis.restart()
  }
  await fillIn(link, 'alice', { pat: SECRET }, browser)
  await redis.stop()
  try {
    expect(await alice.text()).toEqual(ANSWER)
  } finally {
    await redis.restart()
  }
  // The replica with the tools may hear of this late, but it drops its cache when it hears Redis again.
  await harness.pagesJira.invalidateCredentials(harness.owner('alice'))
  await expect.poll(async () => (await alice.text()).isError).toBe(true)
})

test('what one replica saves or revokes is not read from the cache of another', async () => {
  const alice = await harness.connect('alice', { onLink: () => 'cancel' })
  const key = storageKey('jira', harness.owner('alice'))
  const link = linkIn((await alice.text()).text)
  await fillIn(link, 'alice', { pat: SECRET })
  expect(await alice.text()).toEqual(ANSWER)
  // In the cache of the replica with the tools for 300 seconds. The other one revokes it.
  await harness.pagesJira.invalidateCredentials(key.owner)
  await expect.poll(async () => (await alice.text()).isError, { timeout: 20_000 }).toBe(true)
})

test('sessions that an operator ends on one replica have ended on the other', async () => {
  const alice = await harness.connect('alice', { onLink: () => 'cancel' })
  const link = linkIn((await alice.text()).text)
  const browser = httpBrowser()
  expect((await openForm(browser, link, 'alice')).html).toContain('name="pat"')
  await harness.vault.endSessions(harness.owner('alice'))
  const page = await browser.open(link)
  expect(page.html).not.toContain('name="pat"')
  expect(textOf(page.html)).toMatch(/sign in/i)
})
