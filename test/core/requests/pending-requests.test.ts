import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createSealer } from '../../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import type { NewRequest } from '../../../src/core/ports/pending-request.ts'
import type { PendingStore, StoredEntry } from '../../../src/core/ports/pending-store.ts'
import { createPendingRequests, type PendingRequests } from '../../../src/core/requests/pending-requests.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'

await sodiumReady()
const webKey = randomBytes(32)
const alice: NewRequest = {
  provider: 'jira',
  user: { issuer: 'https://login.example.com', subject: 'alice', clientId: 'vscode' },
  clientName: 'VS Code',
  tool: 'create_issue',
  cause: 'absent',
}
const never = async () => false

let store: PendingStore
let requests: PendingRequests
beforeEach(() => {
  store = memoryPendingStore()
  requests = createPendingRequests({ store, sealer: createSealer(webKey), linkTtlSeconds: 600 })
})
afterEach(async () => {
  vi.useRealTimers()
  await store.shutdown()
})

describe('one open request for owner, client and provider', () => {
  test('a second call reuses it', async () => {
    const first = await requests.openOrReuse(alice)
    expect(await requests.openOrReuse(alice)).toEqual(first)
  })

  test.each([
    ['another client', { ...alice, user: { ...alice.user, clientId: 'other' } }],
    ['another owner', { ...alice, user: { ...alice.user, subject: 'bob' } }],
    ['another issuer', { ...alice, user: { ...alice.user, issuer: 'https://other.example.com' } }],
    ['another provider', { ...alice, provider: 'gitlab' }],
  ])('%s gets its own', async (_, other) => {
    const first = await requests.openOrReuse(alice)
    expect((await requests.openOrReuse(other)).handle).not.toBe(first.handle)
  })

  test('many at once get the same', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => requests.openOrReuse(alice)))
    expect(new Set(all.map((request) => request.handle)).size).toBe(1)
  })

  test('a new web key makes a new request, since nobody can open the old link', async () => {
    const first = await requests.openOrReuse(alice)
    const other = createPendingRequests({ store, sealer: createSealer(randomBytes(32)), linkTtlSeconds: 600 })
    const second = await other.openOrReuse(alice)
    expect(second.handle).not.toBe(first.handle)
    expect(await other.find(first.handle)).toBeUndefined()
  })
})

describe('the store', () => {
  test('holds no handle, owner, client or tool', async () => {
    const entries: unknown[] = []
    const spied: PendingStore = {
      ...store,
      openOrReuse(entry) {
        entries.push(entry)
        return store.openOrReuse(entry)
      },
    }
    const { handle } = await createPendingRequests({
      store: spied,
      sealer: createSealer(webKey),
      linkTtlSeconds: 600,
    }).openOrReuse(alice)
    const dump = JSON.stringify(entries)
    for (const text of [handle, 'alice', 'login.example.com', 'vscode', 'VS Code', 'create_issue', 'jira'])
      expect(dump).not.toContain(text)
  })

  test('any replica with the web key finds the request by its handle', async () => {
    const { handle } = await requests.openOrReuse(alice)
    const replica = createPendingRequests({ store, sealer: createSealer(webKey), linkTtlSeconds: 600 })
    expect(await replica.find(handle)).toMatchObject({
      state: 'open',
      request: { provider: 'jira', user: alice.user, clientName: 'VS Code' },
    })
  })

  test('a record moved under another key opens for nobody', async () => {
    const mallory = await requests.openOrReuse({ ...alice, user: { ...alice.user, subject: 'mallory' } })
    const stolen = await store.get((await requests.openOrReuse(alice)).key)
    const swapped: PendingStore = { ...store, get: async (key) => (stolen ? { ...stolen, key } : undefined) }
    const attacked = createPendingRequests({ store: swapped, sealer: createSealer(webKey), linkTtlSeconds: 600 })
    expect(await attacked.find(mallory.handle)).toBeUndefined()
  })

  test.each(['', 'x', 'A'.repeat(42), `${'A'.repeat(43)}=`, '../'.repeat(14)])('%j is no handle', async (text) => {
    expect(await requests.find(text)).toBeUndefined()
  })
})

describe('states', () => {
  test('open, claimed, open again, saved', async () => {
    const request = await requests.openOrReuse(alice)
    const state = async () => (await requests.find(request.handle))?.state
    const claim = await requests.claim(request)
    expect(await state()).toBe('claimed')
    expect(await requests.claim(request)).toBeUndefined()
    if (claim) await requests.unclaim(claim)
    expect(await state()).toBe('open')
    expect(await requests.close(request, 'saved')).toBe(true)
    expect(await requests.close(request, 'cancelled')).toBe(false)
    expect(await state()).toBe('saved')
    expect(await requests.claim(request)).toBeUndefined()
  })

  test('a link expires, is known as expired for ten minutes, then forgotten', async () => {
    vi.useFakeTimers()
    const request = await requests.openOrReuse(alice)
    vi.setSystemTime(request.expiresAt)
    expect((await requests.find(request.handle))?.state).toBe('expired')
    expect(await requests.claim(request)).toBeUndefined()
    expect((await requests.openOrReuse(alice)).handle).not.toBe(request.handle)
    vi.setSystemTime(request.expiresAt + 10 * 60_000 + 1)
    expect(await requests.find(request.handle)).toBeUndefined()
  })
})

describe('waiting', () => {
  test('a save wakes every call that waits for the owner and provider, through any client', async () => {
    const vscode = await requests.openOrReuse(alice)
    const other = await requests.openOrReuse({ ...alice, user: { ...alice.user, clientId: 'other' } })
    let saved = false
    const signal = new AbortController().signal
    const waits = [vscode, vscode, other].map((request) => requests.wait(request, async () => saved, signal))
    await new Promise((resolve) => setTimeout(resolve, 20))
    saved = true
    await requests.close(vscode, 'saved')
    expect(await Promise.all(waits)).toEqual(['saved', 'saved', 'saved'])
    expect((await requests.find(other.handle))?.state).toBe('saved')
  })

  test.each(['cancelled', 'declined'] as const)('%s ends it', async (outcome) => {
    const request = await requests.openOrReuse(alice)
    const wait = requests.wait(request, never, new AbortController().signal)
    await requests.close(request, outcome)
    expect(await wait).toBe(outcome)
  })

  test('the end of the link ends it', async () => {
    const short = createPendingRequests({ store, sealer: createSealer(webKey), linkTtlSeconds: 0.05 })
    expect(await short.wait(await short.openOrReuse(alice), never, new AbortController().signal)).toBe('expired')
  })

  test('an aborted call ends its own wait only', async () => {
    const request = await requests.openOrReuse(alice)
    const abort = new AbortController()
    const gone = requests.wait(request, never, abort.signal)
    const stays = requests.wait(request, never, new AbortController().signal)
    abort.abort(new Error('client has gone'))
    await expect(gone).rejects.toThrow('client has gone')
    expect((await requests.find(request.handle))?.state).toBe('open')
    await requests.close(request, 'saved')
    expect(await stays).toBe('saved')
  })

  test('a save that came before the wait is not missed', async () => {
    const request = await requests.openOrReuse(alice)
    await requests.close(request, 'saved')
    expect(await requests.wait(request, never, new AbortController().signal)).toBe('saved')
  })

  test('a wake is looked at without delay, and after one that found nothing the next ones wait', async () => {
    const listen = vi.spyOn(store, 'listen')
    const request = await requests.openOrReuse(alice, { waits: true })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const settled = () => new Promise((resolve) => setImmediate(resolve))
    const found = vi.fn<() => Promise<boolean>>().mockResolvedValue(false)
    const end = requests.wait(request, found, new AbortController().signal)
    await settled()
    const wake = async () => {
      for (const [, onWake] of listen.mock.calls) onWake()
      await settled()
    }
    expect(found).toHaveBeenCalledTimes(1)
    await wake()
    expect(found).toHaveBeenCalledTimes(2)
    await wake()
    await wake()
    expect(found).toHaveBeenCalledTimes(2)
    found.mockResolvedValue(true)
    await vi.advanceTimersByTimeAsync(100)
    expect(await end).toBe('saved')
    expect(found).toHaveBeenCalledTimes(3)
  })

  test('a woken call asks the store and the backend at once, and is told when it was woken', async () => {
    const listen = vi.spyOn(store, 'listen')
    const request = await requests.openOrReuse(alice, { waits: true })
    const found = vi.fn<(since?: number) => Promise<boolean>>().mockResolvedValue(false)
    const end = requests.wait(request, found, new AbortController().signal)
    await vi.waitFor(() => expect(found).toHaveBeenCalledExactlyOnceWith())
    await store.close(request.key, 'saved')
    const get = vi.spyOn(store, 'get').mockReturnValue(new Promise(() => undefined))
    const before = performance.now()
    for (const [, onWake] of listen.mock.calls) onWake()
    await vi.waitFor(() => expect(found).toHaveBeenCalledTimes(2))
    expect(found.mock.lastCall?.[0]).toBeGreaterThanOrEqual(before)
    expect(get).toHaveBeenCalledTimes(1)
    get.mockRestore()
    end.catch(() => undefined)
  })

  test.each(['hangs', 'fails'])(
    'a call whose request was cancelled does not wait for a backend that %s',
    async (how) => {
      const request = await requests.openOrReuse(alice, { waits: true })
      const asked = vi.fn<(since?: number) => Promise<boolean>>().mockResolvedValueOnce(false)
      if (how === 'hangs') asked.mockReturnValue(new Promise(() => undefined))
      else asked.mockRejectedValue(new CredentialVaultError('unavailable', 'away', { reason: 'aborted' }))
      const end = requests.wait(request, asked, new AbortController().signal)
      await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(1))
      await requests.close(request, 'cancelled')
      expect(await end).toBe('cancelled')
      expect(asked).toHaveBeenCalledTimes(2)
    },
  )

  test('a call whose request was saved goes on although the backend fails', async () => {
    const request = await requests.openOrReuse(alice, { waits: true })
    const asked = vi.fn<(since?: number) => Promise<boolean>>().mockResolvedValueOnce(false)
    asked.mockRejectedValue(new CredentialVaultError('unavailable', 'away', { reason: 'aborted' }))
    const end = requests.wait(request, asked, new AbortController().signal)
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(1))
    await requests.close(request, 'saved')
    expect(await end).toBe('saved')
  })

  test('a declined consent ends the request, unless another call waits for it', async () => {
    const declined = await requests.openOrReuse(alice, { waits: true })
    const other = await requests.openOrReuse(alice, { waits: true })
    const abort = new AbortController()
    expect(await requests.withdraw(declined)).toBe(false)
    expect((await requests.find(declined.handle))?.state).toBe('open')
    const waiting = requests.wait(other, never, abort.signal).catch(() => 'gone')
    abort.abort()
    expect(await waiting).toBe('gone')
    expect(await requests.withdraw(declined)).toBe(true)
    expect((await requests.find(declined.handle))?.state).toBe('declined')
  })
})

describe('a store that replicas share', () => {
  const away = new CredentialVaultError('unavailable', 'away', { reason: 'redis_away', retryable: true })

  test('a wait outlasts an outage of the store', async () => {
    let isAway = true
    const flaky: PendingStore = {
      ...store,
      get: (...given) => (isAway ? Promise.reject(away) : store.get(...given)),
    }
    const shared = createPendingRequests({ store: flaky, sealer: createSealer(webKey) })
    const request = await shared.openOrReuse(alice, { waits: true })
    const looked = vi.spyOn(flaky, 'get')
    const end = shared.wait(request, never, new AbortController().signal)
    await vi.waitFor(() => expect(looked).toHaveBeenCalledTimes(2), { timeout: 30_000 })
    isAway = false
    await requests.close(request, 'saved')
    expect(await end).toBe('saved')
  })

  test('a wait outlasts an outage of the backend, but not a store that is closed', async () => {
    const request = await requests.openOrReuse(alice, { waits: true })
    const isSaved = vi.fn<() => Promise<boolean>>().mockRejectedValueOnce(away).mockResolvedValue(true)
    expect(await requests.wait(request, isSaved, new AbortController().signal)).toBe('saved')
    await store.shutdown()
    await expect(requests.openOrReuse(alice)).rejects.toMatchObject({ reason: 'closed' })
  })

  test('an outage that lasts until the link expires is an outage, not an expiry', async () => {
    const shared = createPendingRequests({
      store: { ...store, get: () => Promise.reject(away) },
      sealer: createSealer(webKey),
    })
    const request = await shared.openOrReuse(alice, { waits: true })
    const late = { ...request, expiresAt: Date.now() - 1 }
    await expect(shared.wait(late, never, new AbortController().signal)).rejects.toBe(away)
  })

  test('a request that the store has forgotten was saved if the credential is there', async () => {
    const request = await requests.openOrReuse(alice, { waits: true })
    const forgetful = createPendingRequests({
      store: { ...store, get: async () => undefined },
      sealer: createSealer(webKey),
    })
    expect(await forgetful.wait(request, async () => true, new AbortController().signal)).toBe('saved')
    expect(await forgetful.wait(request, never, new AbortController().signal)).toBe('expired')
  })

  test('a look says for which call it is, so that the store can tell that the call still waits', async () => {
    const get = vi.spyOn(store, 'get')
    const request = await requests.openOrReuse(alice, { waits: true })
    const end = requests.wait(request, never, new AbortController().signal)
    await vi.waitFor(() => expect(get).toHaveBeenCalledWith(request.key, request.waiterId))
    await requests.close(request, 'cancelled')
    expect(await end).toBe('cancelled')
  })

  test("another owner's record in the slot is not handed out", async () => {
    const mallory = { ...alice, user: { ...alice.user, subject: 'mallory' } }
    let planted: StoredEntry | undefined
    await createPendingRequests({
      store: {
        ...store,
        async openOrReuse(entry) {
          planted = { ...entry, state: 'open' }
          return planted
        },
      },
      sealer: createSealer(webKey),
    }).openOrReuse(mallory)
    const swapped = createPendingRequests({
      store: {
        ...store,
        openOrReuse(entry) {
          const first = planted
          planted = undefined
          return first ? Promise.resolve(first) : store.openOrReuse(entry)
        },
      },
      sealer: createSealer(webKey),
    })
    expect((await swapped.openOrReuse(alice)).user.subject).toBe('alice')
  })
})
