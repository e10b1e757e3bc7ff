import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { waitForEnd } from '../../../src/core/requests/request-wait.ts'
import { keySlot } from '../../../src/redis/connection/key-slot.ts'
import { redisConnection } from '../../../src/redis/connection/redis-connection.ts'
import { createEntryLooks, type OwnedCall } from '../../../src/redis/pending/entry-looks.ts'
import { redisBrowserSessions } from '../../../src/redis/redis-browser-sessions.ts'
import { redisPendingStore } from '../../../src/redis/redis-pending-store.ts'
import { newEntry } from '../../../src/testing/pending-store/entries.ts'
import { redisCommands } from '../../harness/redis/redis-commands.ts'
import { type ClusterSetUp, startCluster } from '../../harness/redis/redis-topologies.ts'

const PREFIX = 'moving:'
const MINUTE = 60_000

let cluster: ClusterSetUp
beforeAll(async () => {
  cluster = await startCluster()
}, 90_000)
afterAll(() => cluster.remove())

function replica() {
  const redis = redisConnection({ cluster: { nodes: [...cluster.nodes] }, prefix: PREFIX, warn: () => undefined })
  const store = redisPendingStore({ redis })
  onTestFinished(() => store.shutdown())
  return { store, entries: createEntryLooks(redis) }
}

const rootOf = (owner: string) => `${PREFIX}{${owner}}`

/** The master that has the owner's slot at first: each has a third. */
function sourceOf(owner: string) {
  const source = cluster.masters[Math.floor((keySlot(rootOf(owner)) * 3) / 16_384)]
  if (!source) throw new Error('no masters')
  return source
}

/** Begins to move the owner's slot to another master, as a resharding does. Its keys are still where they were. */
async function beginMove(owner: string) {
  const slot = keySlot(rootOf(owner))
  const source = sourceOf(owner)
  const target = cluster.masters[(cluster.masters.indexOf(source) + 1) % 3]
  if (!target) throw new Error('no masters')
  const [sourceId] = await redisCommands(source.port, [['CLUSTER', 'MYID']])
  const [targetId] = await redisCommands(target.port, [['CLUSTER', 'MYID']])
  await redisCommands(target.port, [['CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', String(sourceId)]])
  await redisCommands(source.port, [['CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', String(targetId)]])
  onTestFinished(async () => {
    for (const { port } of [source, target]) await redisCommands(port, [['CLUSTER', 'SETSLOT', String(slot), 'STABLE']])
  })
  return { slot: String(slot), source, target, targetId: String(targetId) }
}

type Move = Awaited<ReturnType<typeof beginMove>>

/** Moves the keys, and gives the slot to its new master. */
async function endMove({ slot, source, target, targetId }: Move) {
  const [held] = await redisCommands(source.port, [['CLUSTER', 'GETKEYSINSLOT', slot, '100']])
  const names = (held as readonly Buffer[]).map(String)
  if (names.length > 0)
    await redisCommands(source.port, [['MIGRATE', '127.0.0.1', String(target.port), '', '0', '5000', 'KEYS', ...names]])
  for (const { port } of [target, source]) await redisCommands(port, [['CLUSTER', 'SETSLOT', slot, 'NODE', targetId]])
}

/** How many scripts the server has refused to run. */
async function refusedScripts(port: number): Promise<number> {
  const [stats] = await redisCommands(port, [['INFO', 'commandstats']])
  return Number(/^cmdstat_evalsha:.*rejected_calls=(\d+)/m.exec(String(stats))?.[1] ?? 0)
}

/** Two owners whose keys are in one slot. */
function twoOwners(): readonly [string, string] {
  const seen = new Map<number, string>()
  for (let i = 0; ; i += 1) {
    const owner = `owner-${i}`
    const other = seen.get(keySlot(rootOf(owner)))
    if (other) return [other, owner]
    seen.set(keySlot(rootOf(owner)), owner)
  }
}

test('a request in a slot that is being moved is there, or the store says that it is away', async () => {
  const { store } = replica()
  const entry = newEntry({ owner: 'get', expiresAt: Date.now() + 10 * MINUTE })
  await store.openOrReuse(entry, 'call')
  await beginMove('get')
  const found = await store.get(entry.key, 'call').then(
    (stored) => stored?.state ?? 'absent',
    (error: { code: string }) => error.code,
  )
  // Absent ends the waiting call as expired.
  expect(found).not.toBe('absent')
})

test('a call goes on waiting while the slot of its request is being moved, and hears of its end afterwards', async () => {
  const { store } = replica()
  const { key, expiresAt, ...entry } = newEntry({ owner: 'wait', expiresAt: Date.now() + 10 * MINUTE })
  await store.openOrReuse({ ...entry, key, expiresAt }, 'call')
  const ending = new AbortController()
  const request = { key, expiresAt, waiterId: 'call' } as Parameters<typeof waitForEnd>[0]['request']
  const wait = { store, topics: ['topic'], request, hasCredential: async () => false, signal: ending.signal }
  const before = await refusedScripts(sourceOf('wait').port)
  const move = await beginMove('wait')
  const ended = waitForEnd(wait)
  // It has looked at its request.
  await expect.poll(() => refusedScripts(move.source.port), { timeout: 20_000 }).toBeGreaterThan(before)
  await endMove(move)
  expect(await store.close(key, 'saved', ['topic'])).toBe(true)
  expect(await ended).toBe('saved')
}, 40_000)

test('what cannot be used while its slot is being moved says so', async () => {
  const { store } = replica()
  const entry = newEntry({ owner: 'words', expiresAt: Date.now() + 10 * MINUTE })
  await store.openOrReuse(entry)
  await beginMove('words')
  const refusal = { code: 'unavailable', reason: 'redis_away', retryable: true }
  await expect(store.get(entry.key)).rejects.toMatchObject({
    ...refusal,
    message: expect.stringMatching(/is moving a slot to another server, .* redis-cli --cluster fix/),
  })
})

test('a link in a slot that is being moved can be claimed, or the store says that it is away', async () => {
  const { store } = replica()
  const entry = newEntry({ owner: 'claim', expiresAt: Date.now() + 10 * MINUTE })
  await store.openOrReuse(entry)
  await beginMove('claim')
  const claimed = await store.claim(entry.key, 'submit', Date.now() + MINUTE).catch(() => 'away')
  expect(claimed).not.toBe(false)
})

test('a slot that is being moved gives its owner no second open request', async () => {
  const { store } = replica()
  const entry = newEntry({ owner: 'open', expiresAt: Date.now() + 10 * MINUTE })
  await store.openOrReuse(entry)
  await beginMove('open')
  const again = newEntry({ owner: 'open', slot: entry.slot, expiresAt: Date.now() + 10 * MINUTE })
  const opened = await store.openOrReuse(again).then(
    ({ key }) => key,
    () => entry.key,
  )
  expect(opened).toBe(entry.key)
})

test('calls of two owners in a slot that is being moved are looked at as one of them is', async () => {
  const { store, entries } = replica()
  const calls: OwnedCall[] = []
  const owners = twoOwners()
  for (const owner of owners) {
    const { key } = newEntry({ owner, expiresAt: Date.now() + 10 * MINUTE })
    await store.openOrReuse(newEntry({ key, owner, expiresAt: Date.now() + 10 * MINUTE }), 'call')
    calls.push({ key, waiterId: 'call', root: rootOf(owner) })
  }
  await beginMove(owners[0])
  // As if Redis were away: none of them looks for itself, which would tell it no more.
  expect(await entries.unsure(calls.slice(0, 1))).toBeUndefined()
  expect(await entries.unsure(calls)).toBeUndefined()
}, 30_000)

test('a session that was ended stays ended, and its keys can be moved, while its slot is being moved', async () => {
  const redis = redisConnection({ cluster: { nodes: [...cluster.nodes] }, prefix: PREFIX, warn: () => undefined })
  const sessions = redisBrowserSessions({ redis })
  onTestFinished(() => sessions.close?.())
  await sessions.open?.()
  const startedAt = Date.now() + 1_000
  const session = { id: 'session', owner: 'owner', startedAt }
  await sessions.end(session.id, Date.now() + MINUTE)
  expect(await sessions.isEnded(session)).toBe(true)
  const { source, target } = await beginMove('sessions')
  const move = (key: string) =>
    redisCommands(source.port, [
      ['MIGRATE', '127.0.0.1', String(target.port), `${rootOf('sessions')}:${key}`, '0', '5000'],
    ])
  expect(await move('state')).toEqual(['OK'])
  expect(await sessions.isEnded(session).catch(() => 'away')).not.toBe(false)
})

test('a session that goes on is not refused while its slot is being moved, nor afterwards, and does not stop the move', async () => {
  const own = 'refused:'
  const redis = redisConnection({ cluster: { nodes: [...cluster.nodes] }, prefix: own, warn: () => undefined })
  const sessions = redisBrowserSessions({ redis })
  onTestFinished(() => sessions.close?.())
  await sessions.open?.()
  const [born] = await redisCommands(sourceOf('sessions').port, [['HGET', `${own}{sessions}:state`, 'born']])
  const session = { id: 'another', owner: 'owner', startedAt: Number(born) + 1 }
  expect(await sessions.isEnded(session)).toBe(false)
  // A memory of endings that began only now would refuse it.
  await expect.poll(() => Date.now()).toBeGreaterThan(session.startedAt)
  const begun = await beginMove('sessions')
  const { source, target } = begun
  expect.soft(await sessions.isEnded(session).catch(() => 'away')).not.toBe(true)
  const moved = await redisCommands(source.port, [
    ['MIGRATE', '127.0.0.1', String(target.port), `${own}{sessions}:state`, '0', '5000'],
  ]).catch(String)
  expect.soft(String(moved)).toBe('OK')
  await endMove(begun)
  expect(await sessions.isEnded(session)).toBe(false)
})
