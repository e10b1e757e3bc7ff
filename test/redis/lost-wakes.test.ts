import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createSealer } from '../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../src/core/crypto/sodium.ts'
import type { PendingRequest, WaitEnd } from '../../src/core/ports/pending-request.ts'
import { createPendingRequests } from '../../src/core/requests/pending-requests.ts'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'
import { redisCommands } from '../harness/redis/redis-commands.ts'
import { type RedisNode, startRedisNode } from '../harness/redis/redis-server.ts'

let server: RedisNode
beforeAll(async () => {
  await sodiumReady()
  server = await startRedisNode()
})
afterAll(() => server.remove())

/** A replica whose messages nobody hears, or one that hears them. */
function replica({ port, prefix, isMute = false }: { port: number; prefix: string; isMute?: boolean }) {
  const redis = redisConnection({ url: `redis://127.0.0.1:${port}`, prefix, warn: () => undefined })
  const store = redisPendingStore({ redis })
  onTestFinished(() => store.shutdown())
  const mute = { ...store, close: (...[key, outcome]: Parameters<typeof store.close>) => store.close(key, outcome) }
  return createPendingRequests({ store: isMute ? mute : store, sealer: createSealer(Buffer.alloc(32, 9)) })
}

type Requests = ReturnType<typeof replica>

const wanted = (subject: string, clientId = 'one') => ({
  provider: 'jira',
  user: { issuer: 'https://login.example.com', subject, clientId },
  cause: 'absent' as const,
})

interface Waiting {
  readonly request: PendingRequest
  readonly end: Promise<WaitEnd>
  /** Lets the backend have the credential. */
  save(): void
}

async function wait(requests: Requests, subject: string): Promise<Waiting> {
  const request = await requests.openOrReuse(wanted(subject), { waits: true })
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  let [asked, isSaved] = [0, false]
  const hasCredential = async () => {
    asked += 1
    return isSaved
  }
  const end = requests.wait(request, hasCredential, abort.signal)
  end.catch(() => undefined)
  await expect.poll(() => asked).toBe(1)
  return {
    request,
    end,
    save() {
      isSaved = true
    },
  }
}

test('a call whose wake is lost ends with the next look', async () => {
  const shared = { port: server.port, prefix: 'lost:' }
  const [here, there] = [replica(shared), replica({ ...shared, isMute: true })]
  const saved = await wait(here, 'saved')
  const died = await wait(here, 'died')
  const other = await wait(here, 'other')
  expect(await there.close(saved.request, 'saved')).toBe(true)
  // The replica that saves dies between the backend's write and the wake.
  expect(await there.claim(died.request)).toBeDefined()
  died.save()
  // The form of another client of the same user.
  other.save()
  expect(await there.close(await there.openOrReuse(wanted('other', 'two')), 'saved')).toBe(true)
  expect(await Promise.all([saved, died, other].map(({ end }) => end))).toEqual(['saved', 'saved', 'saved'])
})

test('after messages may have been lost a call asks the backend, though Redis knows of nothing', async () => {
  const here = replica({ port: server.port, prefix: 'gap:' })
  const waiting = await wait(here, 'alice')
  waiting.save()
  await redisCommands(server.port, [['CLIENT', 'KILL', 'TYPE', 'pubsub']])
  expect(await waiting.end).toBe('saved')
})

test('a call waits through an outage of Redis, and ends with what the backend has', async () => {
  const own = await startRedisNode()
  onTestFinished(() => own.remove())
  const waiting = await wait(replica({ port: own.port, prefix: 'away:' }), 'alice')
  await own.stop()
  waiting.save()
  await own.restart()
  expect(await waiting.end).toBe('saved')
})
