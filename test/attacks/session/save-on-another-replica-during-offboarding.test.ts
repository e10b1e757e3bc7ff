import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { formatKey } from '../../../src/core/crypto/key-text.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { redisBrowserSessions } from '../../../src/redis/redis-browser-sessions.ts'
import { redisChangeFeed } from '../../../src/redis/redis-change-feed.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import type { CredentialVault } from '../../../src/vault/credential-vault.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { type FormServer, GOOD_VALUES, startFormServer, WEB_KEY } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

let redis: RedisNode
let server: FormServer
let other: CredentialVault
/** Holds the write of one replica, after its last check. */
let reached = () => {}
let release = () => {}
let mayRevoke = true
/** Runs after a write and before the save goes on. */
let written = async () => {}
const backend = { ...memoryBackend(), close: async () => {} }

beforeAll(async () => {
  redis = await startRedisNode()
  const connect = () => redisConnection({ url: `redis://127.0.0.1:${redis.port}`, warn: () => undefined })
  const shared = connect()
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  server = await startFormServer({
    pendingStore: redisPendingStore({ redis: shared }),
    sessions: redisBrowserSessions({ redis: shared }),
    backend: {
      ...backend,
      async write(...given) {
        reached()
        await released
        const version = await backend.write(...given)
        await written()
        return version
      },
      async revoke(...given) {
        if (!mayRevoke) throw new CredentialVaultError('forbidden', 'the login may not revoke')
        return backend.revoke(...given)
      },
    },
  })
  const own = connect()
  other = await openVault({
    serverBaseUrl: 'http://localhost:1',
    backend,
    audit: memoryAudit(),
    webKey: formatKey(WEB_KEY),
    pendingStore: redisPendingStore({ redis: own }),
    browserSessions: redisBrowserSessions({ redis: own }),
    changeFeed: redisChangeFeed({ redis: own }),
    warn: () => undefined,
  })
  await new CredentialsProvider({ vault: other, name: 'jira', variables: { pat: { label: 'Token' } } }).ready()
})
afterAll(async () => {
  release()
  await server.close()
  await other.close()
  await redis.remove()
})

// An offboarding waits for the saves of its own process and revokes what they have written. Those of another replica write afterwards.
test('a save that another replica has begun leaves no credential behind an offboarding that says it is done', async () => {
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const atWrite = new Promise<void>((resolve) => {
    reached = resolve
  })
  const saving = alice.submit(link, GOOD_VALUES)
  await atWrite
  const { left } = await other.offboard({ issuer: server.issuer, subject: 'alice' })
  expect(left).toEqual([])
  release()
  const page = await saving
  expect(await server.stored('alice')).toBe('absent')
  expect(page.text).toContain('Nothing was saved')
  const lines = server.audit.events.filter(({ owner, type }) => owner?.subject === 'alice' && /stor|revo/.test(type))
  expect(lines.map(({ type, reason }) => [type, reason])).toEqual([
    ['credential.storing', undefined],
    ['credential.stored', undefined],
    ['credential.revoked', 'session_ended'],
  ])
})

test('a save whose request a waiting call has ended, because it found the credential, is kept', async () => {
  release()
  const link = await server.ask('bob')
  const bob = visitorOf(server)
  await bob.signIn('bob', link)
  written = async () => void (await server.pendingRequests.close(link.request, 'saved'))
  expect((await bob.submit(link, GOOD_VALUES)).text).not.toContain('Nothing was saved')
  expect(await server.stored('bob')).toMatchObject({ pat: GOOD_VALUES.pat })
})

test('a save that cannot be taken back says that its outcome is not known', async () => {
  release()
  const link = await server.ask('person-1')
  const person = visitorOf(server)
  await person.signIn('person-1', link)
  written = async () => {
    written = async () => {}
    mayRevoke = false
    await server.pendingRequests.endAllOf({ issuer: server.issuer, subject: 'person-1' })
  }
  const page = await person.submit(link, GOOD_VALUES)
  mayRevoke = true
  expect(page.text).toContain('It is not known whether this was saved')
  expect(server.audit.events.map(({ type }) => type)).toContain('credential.revoke_failed')
})
